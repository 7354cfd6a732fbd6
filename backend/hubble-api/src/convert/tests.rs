//! Both ways and back.
