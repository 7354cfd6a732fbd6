// Command grafana requests a table from a plugin's backend as Grafana 12.4 does, with the same libraries.
// It prints as JSON the time of the backend, and the time of Grafana's own step from Arrow to JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

// Grafana's maximum size of a plugin's answer, in bytes.
const maxMessageBytes = 1 << 30

// Times of a round, in seconds.
type round struct {
	// From request to answer: the relay, the backend and the connections.
	Backend float64 `json:"backend"`
	// Processor time, in the backend alone.
	BackendCPU float64 `json:"backendCpu"`
	// The same for a request of one flow of the same stream: the cost of receiving it.
	ReceivingCPU float64 `json:"receivingCpu"`
	// data.UnmarshalArrowFrame of all frames.
	Unmarshal float64 `json:"unmarshal"`
	// data.FrameToJSON of all frames.
	Marshal float64 `json:"marshal"`
}

type result struct {
	Rounds     []round `json:"rounds"`
	Rows       int     `json:"rows"`
	Columns    int     `json:"columns"`
	ArrowBytes int     `json:"arrowBytes"`
	JSONBytes  int     `json:"jsonBytes"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return errors.New("usage: grafana <backend> <relay's address> <rows>")
	}
	backend, relay, rows := arguments[0], arguments[1], arguments[2]
	command := exec.Command(backend)
	client := plugin.NewClient(&plugin.ClientConfig{
		Cmd:              command,
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: grpcplugin.ProtocolVersion, MagicCookieKey: grpcplugin.MagicCookieKey, MagicCookieValue: grpcplugin.MagicCookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{2: {"data": &grpcplugin.DataGRPCPlugin{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions:  dialOptions(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return fmt.Errorf("the backend does not start: %w", err)
	}
	raw, err := protocol.Dispense("data")
	if err != nil {
		return fmt.Errorf("the backend answers no queries: %w", err)
	}
	source, ok := raw.(grpcplugin.DataClient)
	if !ok {
		return fmt.Errorf("the backend's client is a %T", raw)
	}
	var all result
	for range 9 {
		var single result
		receiving, err := ask(source, question(relay, "1"), command.Process.Pid, &single)
		if err != nil {
			return err
		}
		one, err := ask(source, question(relay, rows), command.Process.Pid, &all)
		if err != nil {
			return err
		}
		one.ReceivingCPU = receiving.BackendCPU
		all.Rounds = append(all.Rounds, one)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

func question(relay, rows string) *pluginv2.QueryDataRequest {
	query := fmt.Sprintf(`{"refId":"A","queryType":"flows","format":"table","limit":%s}`, rows)
	now := time.Now()
	return &pluginv2.QueryDataRequest{
		PluginContext: &pluginv2.PluginContext{
			OrgId:    1,
			PluginId: "k8snet-hubble-datasource",
			DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
				Id:       1,
				Uid:      "hubble",
				Name:     "Hubble",
				Url:      relay,
				JsonData: []byte("{}"),
			},
		},
		Queries: []*pluginv2.DataQuery{{
			RefId:         "A",
			QueryType:     "flows",
			MaxDataPoints: 1000,
			IntervalMS:    1000,
			TimeRange: &pluginv2.TimeRange{
				FromEpochMS: now.Add(-365 * 24 * time.Hour * 10).UnixMilli(),
				ToEpochMS:   now.Add(time.Hour).UnixMilli(),
			},
			Json: []byte(query),
		}},
	}
}

func ask(source grpcplugin.DataClient, request *pluginv2.QueryDataRequest, pid int, all *result) (round, error) {
	var one round
	before, err := cpuSeconds(pid)
	if err != nil {
		return one, err
	}
	start := time.Now()
	response, err := source.QueryData(context.Background(), request)
	if err != nil {
		return one, fmt.Errorf("the backend gives no answer: %w", err)
	}
	one.Backend = time.Since(start).Seconds()
	after, err := cpuSeconds(pid)
	if err != nil {
		return one, err
	}
	one.BackendCPU = after - before
	answer := response.GetResponses()["A"]
	if answer.GetError() != "" {
		return one, fmt.Errorf("the backend answers with an error: %s", answer.GetError())
	}
	all.Rows, all.Columns, all.ArrowBytes, all.JSONBytes = 0, 0, 0, 0
	for _, arrow := range answer.GetFrames() {
		start = time.Now()
		frame, err := data.UnmarshalArrowFrame(arrow)
		if err != nil {
			return one, fmt.Errorf("Grafana cannot read the frame: %w", err)
		}
		one.Unmarshal += time.Since(start).Seconds()
		start = time.Now()
		text, err := data.FrameToJSON(frame, data.IncludeAll)
		if err != nil {
			return one, fmt.Errorf("Grafana cannot write the frame: %w", err)
		}
		one.Marshal += time.Since(start).Seconds()
		count, err := frame.RowLen()
		if err != nil {
			return one, fmt.Errorf("the frame's columns differ in length: %w", err)
		}
		all.Rows += count
		all.Columns = len(frame.Fields)
		all.ArrowBytes += len(arrow)
		all.JSONBytes += len(text)
	}
	return one, nil
}
