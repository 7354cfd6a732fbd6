//! Lints about ports, ICMP and requests of HTTP.

use crate::declare_lints;

declare_lints! {
    /// Item of `toPorts` without ports
    ///
    /// ## What it means
    ///
    /// The list `ports` is empty or missing.
    ///
    /// ## Why it matters
    ///
    /// The item matches nothing.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: []}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '80', protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// List the ports. To allow every port, leave `toPorts` out.
    NoPorts: Error = "no-ports";

    /// Port with a leading zero
    ///
    /// ## What it means
    ///
    /// Cilium reads a port with a leading zero as an octal number: `"0120"` is 80.
    ///
    /// ## Why it matters
    ///
    /// The rule is about another port than it shows.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '0120', protocol: TCP}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '120', protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the zero.
    LeadingZero: Error = "leading-zero";

    /// Hexadecimal port
    ///
    /// ## What it means
    ///
    /// `"0x50"` is the name of a port, not a number.
    ///
    /// ## Why it matters
    ///
    /// The rule matches nothing, unless a pod has a port of that name.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '0x50', protocol: TCP}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '80', protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the number in decimal.
    HexPort: Error = "hex-port";

    /// Range that ends before it begins
    ///
    /// ## What it means
    ///
    /// `endPort` is less than `port`.
    ///
    /// ## Why it matters
    ///
    /// The rule covers `port` alone.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '8080', endPort: 80, protocol: TCP}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '80', endPort: 8080, protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Swap the two numbers.
    EndBeforePort: Error = "end-before-port";

    /// Port without a protocol
    ///
    /// ## What it means
    ///
    /// In a Cilium policy, a port without a protocol is one of TCP, UDP and SCTP.
    ///
    /// ## Why it matters
    ///
    /// The rule is wider than most services need, and still leaves out ICMP: `ping` does not work.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '80'}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '80', protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the protocol; `ANY`, where all three are meant.
    NoProtocol: Hint = "no-protocol";

    /// Port by its name
    ///
    /// ## What it means
    ///
    /// A name stands for the container port of that name: of the selected pod on ingress, of the peer on egress. It is a
    /// warning where Pods among the files use the name for different ports and the release is older than 1.20, which resolves
    /// such a name to no port on egress.
    ///
    /// ## Why it matters
    ///
    /// Where no pod has such a port, the rule matches nothing.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: web, protocol: TCP}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '80', protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Check that the pods have the name, or write the number.
    NamedPort: Hint or Warning = "named-port";

    /// ICMP type 0
    ///
    /// ## What it means
    ///
    /// ICMP type 0 (`EchoReply` of IPv4) counts as port 0, which is every port.
    ///
    /// ## Why it matters
    ///
    /// The rule matches every ICMP type. Replies need no rule.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - icmps: [{fields: [{type: 0}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - icmps: [{fields: [{type: 8}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Allow the request, type 8 (`EchoRequest`), and remove the reply.
    IcmpTypeZero: Warning = "icmp-type-zero";

    /// HTTP path with braces
    ///
    /// ## What it means
    ///
    /// A path is a regular expression. `{id}` stands for these four characters, not for any value.
    ///
    /// ## Why it matters
    ///
    /// Requests with a value in its place are refused.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{path: '/pets/{id}'}]}
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{path: '/pets/[^/]+'}]}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `[^/]+` for each value.
    PathTemplate: Warning = "path-template";

    /// HTTP path that ends with `/*`
    ///
    /// ## What it means
    ///
    /// A path is a regular expression. `/*` is any number of slashes.
    ///
    /// ## Why it matters
    ///
    /// What lies below the path is refused.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{path: '/pets/*'}]}
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{path: '/pets/.*'}]}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `/.*`.
    PathGlob: Warning = "path-glob";

    /// HTTP path without a pattern
    ///
    /// ## What it means
    ///
    /// The path has to match as a whole, with the query string: `/cart` matches neither `/cart?page=1` nor `/cart/2`.
    ///
    /// ## Why it matters
    ///
    /// Requests with a query string, or to what lies below, are refused.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{path: /cart}]}
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{path: '/cart(\?.*)?'}]}
    /// ```
    ///
    /// ## Fix
    ///
    /// Allow a query string with `(\?.*)?`, and what lies below with `/.*`.
    PathExact: Hint = "path-exact";

    /// Empty list of HTTP rules
    ///
    /// ## What it means
    ///
    /// `http: []` is not an L7 rule.
    ///
    /// ## Why it matters
    ///
    /// Every request passes, and Hubble does not see it.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: []}
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{}]}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `http: [{}]` to see every request, or list the requests that may pass.
    EmptyHttp: Warning = "empty-http";

    /// L7 rule beside a wider rule without L7
    ///
    /// ## What it means
    ///
    /// Another rule allows the same peers on the same port without L7.
    ///
    /// ## Why it matters
    ///
    /// Every request passes, though still through the proxy: the L7 rule refuses nothing.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{method: GET}]}
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '80', protocol: TCP}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{method: GET}]}
    ///   - fromEntities: [cluster]
    ///     toPorts: [{ports: [{port: '8080', protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the wider rule, or narrow it to other peers or ports.
    L7BesideL4: Warning = "l7-beside-l4";
}
