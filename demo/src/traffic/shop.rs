//! Traffic of the shop: customers, orders, and the lab's commands in its pods.

use rand::Rng;

use super::conversation::{ConnectionEnd, Exchange};
use super::dns::Lookup;
use super::{MILLISECOND, SECOND, Simulation};
use crate::cluster::EndpointId;

/// Pages that customers open: path and size in bytes.
const PAGES: [(&str, u32); 4] =
    [("/", 1_480), ("/js/app.7c1d2f.js", 48_200), ("/products/1", 2_310), ("/cart", 1_920)];

impl Simulation {
    /// A customer outside opens the shop; the front end calls the services behind it.
    pub(super) fn customer_visit(&mut self, at: i64) -> Option<()> {
        let customers = self.cluster.customers.clone();
        let customer = self.one_of(&customers)?;
        let front = self.pod_of("store-front")?;
        let (path, bytes) = self.one_of(&PAGES)?;
        let page = Exchange::http("GET", path, bytes, 12 * MILLISECOND);
        let ConnectionEnd::Done(done) = self.call_endpoint(customer, front, 8080, at, page) else {
            return Some(());
        };
        self.front_end_calls(front, done - 10 * MILLISECOND)
    }

    /// Calls of the front end to its services.
    fn front_end_calls(&mut self, front: EndpointId, at: i64) -> Option<()> {
        match self.rng.random_range(0..10) {
            0..=5 => {
                let list = Exchange::http("GET", "/", 5_640, 4 * MILLISECOND);
                self.call(front, "product-service", at, list)?;
            }
            6 => {
                let item = Exchange::http("GET", "/1", 620, 3 * MILLISECOND);
                self.call(front, "product-service", at, item)?;
            }
            7 => {
                let edit = Exchange::http("PUT", "/", 310, 5 * MILLISECOND);
                self.call(front, "product-service", at, edit)?;
            }
            _ => self.order(front, at)?,
        }
        Some(())
    }

    /// An order: through the order service into the queue.
    fn order(&mut self, client: EndpointId, at: i64) -> Option<()> {
        let order = Exchange::http("POST", "/", 180, 9 * MILLISECOND);
        if let ConnectionEnd::Done(done) = self.call(client, "order-service", at, order)? {
            self.enqueue(done - 6 * MILLISECOND)?;
        }
        Some(())
    }

    fn enqueue(&mut self, at: i64) -> Option<()> {
        let orders = self.pod_of("order-service")?;
        self.call(orders, "rabbitmq", at, Exchange::bytes(690, 120, 2 * MILLISECOND))?;
        Some(())
    }

    /// The virtual customer, a pod, posts orders directly to the order service.
    pub(super) fn virtual_customer(&mut self, at: i64) -> Option<()> {
        let customer = self.pod_of("virtual-customer")?;
        self.order(customer, at)
    }

    /// The virtual worker takes orders from the make line.
    pub(super) fn virtual_worker(&mut self, at: i64) -> Option<()> {
        let worker = self.pod_of("virtual-worker")?;
        let fetch = Exchange::http("GET", "/order/fetch", 2_900, 7 * MILLISECOND);
        self.call(worker, "makeline-service", at, fetch)?;
        Some(())
    }

    /// The make line reads the queue and writes the database.
    pub(super) fn make_line(&mut self, at: i64) -> Option<()> {
        let line = self.pod_of("makeline-service")?;
        let read = Exchange::bytes(240, 1_830, 3 * MILLISECOND);
        if let ConnectionEnd::Done(done) = self.call(line, "rabbitmq", at, read)? {
            self.call(line, "mongodb", done, Exchange::bytes(1_950, 210, 4 * MILLISECOND))?;
        }
        Some(())
    }

    /// The shop's owner looks at orders and products.
    pub(super) fn store_admin(&mut self, at: i64) -> Option<()> {
        let admin = self.pod_of("store-admin")?;
        match self.rng.random_range(0..10) {
            0..=4 => {
                let mut orders = Exchange::http("GET", "/order/fetch", 3_700, 8 * MILLISECOND);
                // The make line's database is sometimes too slow.
                if let Some(http) = orders.http.as_mut().filter(|_| self.rng.random_bool(0.1)) {
                    http.code = 503;
                }
                self.call(admin, "makeline-service", at, orders)?;
            }
            5 => {
                let done = Exchange::http("PUT", "/order", 210, 6 * MILLISECOND);
                self.call(admin, "makeline-service", at, done)?;
            }
            _ => {
                let list = Exchange::http("GET", "/", 5_640, 4 * MILLISECOND);
                self.call(admin, "product-service", at, list)?;
            }
        }
        Some(())
    }

    /// The product service requests a generated description.
    pub(super) fn describe_product(&mut self, at: i64) -> Option<()> {
        let products = self.pod_of("product-service")?;
        let mut describe = Exchange::http("POST", "/generate/description", 940, 700 * MILLISECOND);
        // The model's server resets some connections.
        describe.reset = self.rng.random_bool(0.04);
        self.call(products, "ai-service", at, describe)?;
        Some(())
    }

    /// Pods resolve the services that they call.
    pub(super) fn service_lookup(&mut self, at: i64) -> Option<()> {
        let (workload, service) = self.one_of(&[
            ("makeline-service", "rabbitmq"),
            ("makeline-service", "mongodb"),
            ("virtual-customer", "order-service"),
            ("virtual-worker", "makeline-service"),
            ("store-admin", "product-service"),
            ("store-admin", "makeline-service"),
        ])?;
        let client = self.pod_of(workload)?;
        self.resolve_service(client, service, at);
        Some(())
    }

    /// The lab's commands in an order-service pod: two names outside and one inside.
    pub(super) fn order_service_calls_out(&mut self, at: i64) -> Option<()> {
        let client = self.pod_of("order-service")?;
        match self.rng.random_range(0..5) {
            0 => {
                self.fetch_by_name(client, "www.bing.com", at)?;
            }
            1 => {
                if let Lookup::Resolved { at, .. } =
                    self.resolve_service(client, "product-service", at)
                {
                    let list = Exchange::http("GET", "/", 5_640, 4 * MILLISECOND);
                    self.call(client, "product-service", at, list)?;
                }
            }
            2 => {
                self.resolve_service(client, "rabbitmq", at);
            }
            _ => {
                // Graph redirects to its documentation.
                if let ConnectionEnd::Done(at) =
                    self.fetch_by_name(client, "graph.microsoft.com", at)?
                {
                    self.fetch_by_name(client, "developer.microsoft.com", at + 5 * MILLISECOND)?;
                }
            }
        }
        Some(())
    }

    /// The lab's commands in a store-front pod.
    pub(super) fn store_front_calls_out(&mut self, at: i64) -> Option<()> {
        let client = self.pod_of("store-front")?;
        match self.rng.random_range(0..12) {
            0..=3 => {
                self.fetch_by_name(client, "www.microsoft.com", at)?;
            }
            4 | 5 => {
                self.fetch_by_name(client, "api.github.com", at)?;
            }
            6 => {
                self.fetch_by_name(client, "www.google.com", at)?;
            }
            7 => {
                self.fetch_by_name(client, "www.bing.com", at)?;
            }
            8 | 9 => {
                self.resolve_service(client, "rabbitmq", at);
            }
            10 => {
                // A client that still has an address from before the policy sends no DNS query.
                let name = self.one_of(&["www.google.com", "www.bing.com"])?;
                let host = self.cluster.host_named(name)?;
                self.call_host(client, host, false, 443, at, tls_request())?;
            }
            _ => {
                self.front_end_calls(client, at)?;
            }
        }
        Some(())
    }

    /// Resolves a host and, on success, fetches from it.
    fn fetch_by_name(&mut self, client: EndpointId, name: &str, at: i64) -> Option<ConnectionEnd> {
        let host = self.cluster.host_named(name)?;
        let searched = self.walks_search_list();
        let Lookup::Resolved { at, seen } = self.resolve_host(client, host, searched, at) else {
            return Some(ConnectionEnd::TimedOut);
        };
        self.call_host(client, host, seen, 443, at + MILLISECOND, tls_request())
    }

    /// The kubelet probes the pods of its node.
    pub(super) fn probe(&mut self, at: i64) -> Option<()> {
        let (workload, port) = self.one_of(&[
            ("store-front", 8080),
            ("order-service", 3000),
            ("product-service", 3002),
            ("makeline-service", 3001),
            ("ai-service", 5001),
            ("store-admin", 8081),
        ])?;
        let pod = self.pod_of(workload)?;
        let node = self.cluster.endpoint(pod).node?;
        let host = self.cluster.node(node)?.host;
        let health = Exchange::http("GET", "/health", 160, 2 * MILLISECOND);
        self.call_endpoint(host, pod, port, at, health);
        Some(())
    }

    /// Load balancer probes from outside reach the front end as customers do.
    pub(super) fn impatient_customer(&mut self, at: i64) -> Option<()> {
        let customers = self.cluster.customers.clone();
        let customer = self.one_of(&customers)?;
        let front = self.pod_of("store-front")?;
        let page = Exchange::http("GET", "/", 1_480, 12 * MILLISECOND);
        if self.call_endpoint(customer, front, 8080, at, page) == ConnectionEnd::TimedOut {
            let again = at + self.span(10 * SECOND, 14 * SECOND);
            self.dial_later(customer, front, 8080, again, page);
        }
        Some(())
    }
}

/// A request inside TLS, which proxies cannot read.
fn tls_request() -> Exchange {
    Exchange::bytes(1_240, 6_800, 30 * MILLISECOND)
}
