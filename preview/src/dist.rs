//! Reader of the plugins in a `dist/` folder, as in Grafana: the folder's own plugin.json and those
//! of its direct subfolders.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::backend::Executable;

/// One plugin of the folder.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    /// Plugin id, `k8snet-hubble-datasource`.
    pub(crate) id: String,
    /// Plugin type: `app`, `datasource` or `panel`.
    pub(crate) kind: String,
    /// The folder with plugin.json and module.js.
    pub(crate) dir: PathBuf,
    /// plugin.json with `module`, `baseUrl`, `signature` and resolved logos, as in the frontend
    /// settings for the browser.
    pub(crate) meta: Map<String, Value>,
    /// The program to start, for a plugin with a backend.
    pub(crate) executable: Option<Executable>,
}

/// Reason why a plugin folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DistError {
    #[error("the plugin folder `{}` cannot be read", dir.display())]
    Folder { dir: PathBuf, source: std::io::Error },
    #[error("`{}` cannot be read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{}` is not valid JSON", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("`{}` lacks `{key}`", path.display())]
    Key { path: PathBuf, key: &'static str },
    #[error("there is no plugin.json in `{}` or below it; is the frontend built?", dir.display())]
    NoPlugin { dir: PathBuf },
    #[error("`{}` names a backend that does not exist: `{}`", plugin_json.display(), path.display())]
    NoExecutable { plugin_json: PathBuf, path: PathBuf },
}

/// Reads every plugin of `dir`, sorted by id.
///
/// Errors: an unreadable folder or file, no plugin, or a missing backend.
pub(crate) fn read(dir: &Path) -> Result<Vec<Plugin>, DistError> {
    let folder = |source| DistError::Folder { dir: dir.to_owned(), source };
    let dir = dir.canonicalize().map_err(folder)?;
    let mut candidates = vec![dir.clone()];
    for entry in std::fs::read_dir(&dir).map_err(folder)? {
        let path = entry.map_err(folder)?.path();
        if path.is_dir() {
            candidates.push(path);
        }
    }
    let mut plugins = Vec::new();
    for candidate in candidates {
        if candidate.join("plugin.json").is_file() {
            plugins.push(read_plugin(&candidate)?);
        }
    }
    if plugins.is_empty() {
        return Err(DistError::NoPlugin { dir });
    }
    plugins.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(plugins)
}

fn read_plugin(dir: &Path) -> Result<Plugin, DistError> {
    let path = dir.join("plugin.json");
    let text = std::fs::read_to_string(&path)
        .map_err(|source| DistError::Read { path: path.clone(), source })?;
    let mut meta: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|source| DistError::Json { path: path.clone(), source })?;
    let text_of = |key: &'static str| {
        let value = meta.get(key).and_then(Value::as_str);
        value.map(str::to_owned).ok_or_else(|| DistError::Key { path: path.clone(), key })
    };
    let (id, kind) = (text_of("id")?, text_of("type")?);
    let executable = if meta.get("backend") == Some(&Value::Bool(true)) {
        let program = dir.join(program_name(&text_of("executable")?));
        if !program.is_file() {
            return Err(DistError::NoExecutable { plugin_json: path, path: program });
        }
        Some(Executable { plugin_id: id.clone(), version: version(&meta), path: program })
    } else {
        None
    };
    complete(&mut meta, &id);
    Ok(Plugin { id, kind, dir: dir.to_owned(), meta, executable })
}

/// `<executable>_<goos>_<goarch>`, Grafana's name of a backend's program.
fn program_name(executable: &str) -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let suffix = if os == "windows" { ".exe" } else { "" };
    format!("{executable}_{os}_{architecture}{suffix}")
}

fn version(meta: &Map<String, Value>) -> String {
    let version = meta.get("info").and_then(|info| info.get("version")).and_then(Value::as_str);
    version.unwrap_or_default().to_owned()
}

/// Adds the fields that Grafana adds to a plugin.json for the browser.
fn complete(meta: &mut Map<String, Value>, id: &str) {
    let base = format!("public/plugins/{id}");
    if let Some(Value::Object(logos)) = meta.get_mut("info").and_then(|info| info.get_mut("logos"))
    {
        for logo in logos.values_mut() {
            if let Value::String(path) = logo {
                *logo = Value::String(format!("{base}/{path}"));
            }
        }
    }
    meta.insert("module".to_owned(), json!(format!("{base}/module.js")));
    meta.insert("baseUrl".to_owned(), json!(base));
    meta.insert("signature".to_owned(), json!("unsigned"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("preview-dist-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        std::fs::create_dir_all(&dir).expect("a folder");
        dir
    }

    #[test]
    fn nested_plugins_are_found_and_completed() {
        let dir = folder(
            "nested",
            &[
                ("plugin.json", r#"{"id":"a-app","type":"app","info":{"version":"1.2.3"}}"#),
                (
                    "panel/plugin.json",
                    r#"{"id":"a-panel","type":"panel","info":{"logos":{"small":"img/l.svg"}}}"#,
                ),
                ("img/logo.svg", "<svg/>"),
            ],
        );
        let plugins = read(&dir).expect("two plugins");
        let ids: Vec<_> = plugins.iter().map(|plugin| plugin.id.as_str()).collect();
        assert_eq!(ids, ["a-app", "a-panel"]);
        let panel = Value::Object(plugins[1].meta.clone());
        assert_eq!(panel["module"], "public/plugins/a-panel/module.js");
        assert_eq!(panel["info"]["logos"]["small"], "public/plugins/a-panel/img/l.svg");
        std::fs::remove_dir_all(dir).expect("removed");
    }

    #[test]
    fn an_unusable_folder_has_its_reason() {
        let check = |name: &str, files: &[(&str, &str)], expected: &str| {
            let dir = folder(name, files);
            let message = read(&dir).expect_err(name).to_string();
            let message =
                message.replace(&*dir.canonicalize().expect("a folder").to_string_lossy(), "DIR");
            assert_eq!(message, expected, "{name}");
            std::fs::remove_dir_all(dir).expect("removed");
        };
        check("empty", &[], "there is no plugin.json in `DIR` or below it; is the frontend built?");
        check("broken", &[("plugin.json", "{")], "`DIR/plugin.json` is not valid JSON");
        check("no-id", &[("plugin.json", r#"{"type":"app"}"#)], "`DIR/plugin.json` lacks `id`");
        let program = program_name("gpx_x");
        check(
            "no-backend",
            &[(
                "datasource/plugin.json",
                r#"{"id":"a-datasource","type":"datasource","backend":true,"executable":"gpx_x"}"#,
            )],
            &format!(
                "`DIR/datasource/plugin.json` names a backend that does not exist: `DIR/datasource/{program}`"
            ),
        );
    }
}
