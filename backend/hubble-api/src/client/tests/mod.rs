mod flows;
mod plain;
mod settings;
mod support;
mod tls;
