//! Tables of filters, and the flows that they must and must not match.
