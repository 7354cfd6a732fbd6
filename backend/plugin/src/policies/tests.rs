use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;

const POLICY: &str = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n";

/// Checks the names and notices that come from `folder` below `roots`.
fn check(folder: &Path, roots: &str, files: &[&str], notices: &[&str]) {
    let source = PolicySource { text: None, folder: Some(folder.to_owned()), namespace: None };
    let found = source.read(&Roots::read(roots));
    let names: Vec<&str> = found.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, files, "{roots}");
    let texts: Vec<&str> = found.notices.iter().map(|notice| notice.text.as_str()).collect();
    assert_eq!(texts.len(), notices.len(), "{texts:#?}");
    for (text, expected) in texts.iter().zip(notices) {
        assert!(text.contains(expected), "`{text}` does not say `{expected}`");
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_folder_and_the_folders_in_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("policies");
    fs::create_dir_all(folder.join("b/c")).unwrap();
    fs::create_dir_all(folder.join("..data")).unwrap();
    for name in ["z.yaml", "a.yml", "b/c/x.json", "readme.md", ".hidden.yaml", "..data/l.yaml"] {
        fs::write(folder.join(name), POLICY).unwrap();
    }
    // The layout of a mounted ConfigMap.
    symlink("..data/l.yaml", folder.join("linked.yaml")).unwrap();
    let roots = shown(root.path());
    check(&folder, &roots, &["a.yml", "b/c/x.json", "linked.yaml", "z.yaml"], &[]);
    check(&folder.join("b"), &roots, &["c/x.json"], &[]);
    check(
        &folder,
        &format!("/nowhere, {roots}"),
        &["a.yml", "b/c/x.json", "linked.yaml", "z.yaml"],
        &[],
    );

    let read = || {
        PolicySource { text: None, folder: Some(folder.clone()), namespace: None }
            .read(&Roots::read(&roots))
    };
    let before = read();
    assert_eq!(before.files[0].text, POLICY);
    assert!(before.files[0].modified_ms.unwrap() > 1_600_000_000_000);
    assert!(before.changed_ms.unwrap() > 1_600_000_000_000);
    let changed = "kind: NetworkPolicy\n";
    fs::write(folder.join("a.yml"), changed).unwrap();
    assert_eq!(read().files[0].text, changed, "read again by every query");
}

#[test]
fn only_what_the_administrator_allows() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.yaml"), POLICY).unwrap();
    let folder = root.path().join("policies");
    fs::create_dir(&folder).unwrap();
    let roots = shown(root.path());
    check(&folder, "", &[], &["the administrator has to allow it by `policy_roots`"]);
    check(&folder, "relative", &[], &["the administrator has to allow it"]);
    check(outside.path(), &roots, &[], &["is not below a folder that the administrator allows"]);
    check(Path::new("policies"), &roots, &[], &["is not an absolute path"]);
    check(&folder.join("../policies"), &roots, &[], &["holds `..`"]);
    // A name that only starts like a root.
    check(Path::new(&format!("{roots}-other")), &roots, &[], &["is not below"]);
    check(&root.path().join("gone"), &roots, &[], &["cannot be read: No such file"]);
    check(&folder, &roots, &[], &["contains no `*.yaml`, `*.yml` or `*.json` file"]);

    symlink(outside.path(), root.path().join("link")).unwrap();
    check(&root.path().join("link"), &roots, &[], &["is not below a folder"]);
    symlink(outside.path().join("secret.yaml"), folder.join("a.yaml")).unwrap();
    symlink(outside.path(), folder.join("links")).unwrap();
    check(&folder, &roots, &[], &["`a.yaml` was left out: it is a link that leads out"]);
    fs::write(root.path().join("file.yaml"), POLICY).unwrap();
    check(&root.path().join("file.yaml"), &roots, &[], &["is not a folder"]);
}

#[test]
fn files_that_are_not_text_are_left_out_and_named() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(root.path().join(name), bytes).unwrap();
    write("binary.yaml", b"\xff\xfe\x00");
    write("good.yaml", POLICY.as_bytes());
    write("nul.yaml", b"a: b\0");
    write("large.yaml", &vec![b'#'; (4 << 20) + 1]);
    fs::create_dir(root.path().join("folder.yaml")).unwrap();
    symlink("loop.yaml", root.path().join("loop.yaml")).unwrap();
    symlink("/dev/null", root.path().join("null.yaml")).unwrap();
    let mut notices = vec![
        "`binary.yaml` was left out: it is not text",
        "`large.yaml` was left out: it is larger than 4 MiB",
        "`loop.yaml` was left out: it cannot be read",
        "`nul.yaml` was left out: it is not text",
        "`null.yaml` was left out: it is a link that leads out",
    ];
    check(root.path(), &shown(root.path()), &["good.yaml"], &notices);

    write("secret.yaml", b"");
    let path = root.path().join("secret.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    // Root can read every file.
    if fs::read(&path).is_err() {
        notices.push("`secret.yaml` was left out: it cannot be read: Permission denied");
        check(root.path(), &shown(root.path()), &["good.yaml"], &notices);
    }
}

#[test]
fn folders_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..1_003 {
        fs::write(root.path().join(format!("{number:04}.yaml")), POLICY).unwrap();
    }
    let source = PolicySource { text: None, folder: Some(root.path().to_owned()), namespace: None };
    let found = source.read(&Roots::read(&shown(root.path())));
    assert_eq!(found.files.len(), 1_000);
    assert_eq!(
        found.notices,
        [Notice::warning(
            "3 files of the policies folder were left out: it may hold 1000 files and 8 MiB"
        )]
    );

    let root = tempfile::tempdir().unwrap();
    for number in 0..4 {
        let text = format!("{POLICY}{}", "#\n".repeat(3 << 19)).replacen("#\n", "", 64);
        fs::write(root.path().join(format!("{number}.yaml")), text).unwrap();
    }
    check(root.path(), &shown(root.path()), &["0.yaml", "1.yaml"], &["2 files of the policies"]);
}

#[test]
fn the_revision_changes_with_the_policies() {
    let root = tempfile::tempdir().unwrap();
    let roots = Roots::read(&shown(root.path()));
    let source = PolicySource { folder: Some(root.path().to_owned()), ..PolicySource::default() };
    let file = root.path().join("a.yaml");
    let revision = || source.revision(&roots);
    assert_eq!(PolicySource::default().revision(&roots), None, "nothing is configured");
    assert_eq!(revision(), Some(String::new()), "the folder is empty");
    let mut seen = std::collections::HashSet::new();
    let mut check = |changed: &str| {
        let now = revision().filter(|now| !now.is_empty()).unwrap();
        assert_eq!(Some(&now), revision().as_ref(), "{changed}");
        assert!(seen.insert(now), "{changed}");
    };
    let write = |text: &str, secs: u64| {
        fs::write(&file, text).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(secs);
        fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    };
    write(POLICY, 1_000);
    check("a file came");
    write(POLICY, 2_000);
    check("its time");
    write("kind: Pod\n", 2_000);
    check("its size");
    fs::rename(&file, root.path().join("b.yaml")).unwrap();
    check("its name");
    assert_eq!(source.revision(&Roots::default()), Some(String::new()), "it may not be read");

    let text = |text: &str, namespace: Option<&str>| {
        let (text, namespace) = (Some(text.to_owned()), namespace.map(str::to_owned));
        PolicySource { text, namespace, folder: None }.revision(&roots).unwrap()
    };
    assert_ne!(text("a", None), text("b", None));
    assert_ne!(text("a", None), text("a", Some("pets")));
}

#[test]
fn the_text_of_the_settings() {
    let check = |text: Option<&str>, files: usize, notices: &[&str]| {
        let source = PolicySource { text: text.map(str::to_owned), folder: None, namespace: None };
        let found = source.read(&Roots::default());
        assert_eq!(found.files.len(), files);
        let texts: Vec<&str> = found.notices.iter().map(|notice| notice.text.as_str()).collect();
        assert_eq!(texts.len(), notices.len(), "{texts:?}");
        assert!(texts.iter().zip(notices).all(|(text, part)| text.contains(part)), "{texts:?}");
    };
    check(Some(POLICY), 1, &[]);
    check(None, 0, &[]);
    check(Some(&"#".repeat((2 << 20) + 1)), 0, &["longer than 2 MiB"]);
}

/// All who may query the data source can read what leaves the backend.
#[test]
fn only_what_verdicts_read_leaves() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
    let secret = "apiVersion: v1\nkind: Secret\nstringData: {password: hunter2}\n";
    write("mixed.yaml", &format!("{secret}---\n{POLICY}# hunter2\nstatus: {{note: hunter2}}\n"));
    write("secret.yaml", secret);
    write("values.yaml", "password: hunter2\n");
    write("chart.yaml", "password: {{ .Values.hunter2 }}\n");
    write("broken.yaml", &format!("{POLICY}---\nkind: Secret\na: hunter2: b\n"));
    let read = |text: Option<&str>| {
        let source = PolicySource {
            text: text.map(str::to_owned),
            folder: Some(root.path().to_owned()),
            namespace: None,
        };
        source.read(&Roots::read(&shown(root.path())))
    };
    let found = read(Some(secret));
    let texts: Vec<(&str, &str)> =
        found.files.iter().map(|file| (file.name.as_str(), file.text.trim_end())).collect();
    let policy = POLICY.trim_end();
    assert_eq!(
        texts,
        [
            ("broken.yaml", format!("{policy}\n---").as_str()),
            ("mixed.yaml", format!("\n\n\n---\n{policy}\n\nstatus: {{             }}").as_str()),
        ]
    );
    let notices: Vec<&str> = found.notices.iter().map(|notice| notice.text.as_str()).collect();
    assert_eq!(
        notices,
        [
            "documents that verdicts do not read were left out: 1 without a kind, 3 `Secret`",
            "`broken.yaml`, line 5: a document was left out: it is neither YAML nor JSON",
            "`chart.yaml`, line 1: a document was left out: it is a template of Helm: render it first, `helm template`",
        ]
    );
}
