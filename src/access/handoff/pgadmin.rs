//! What pgAdmin 4 is handed: a file for its "Import/Export Servers" (pgAdmin 4, "Import/Export Servers": JSON format; of
//! Username, Port, MaintenanceDB and one of Host, HostAddr, Service none may lack; passwords cannot be imported). It must not
//! know other clients.

use super::{Handoff, Lead, Program, quote, text};
use crate::model::Secret;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct File<'a> {
    servers: BTreeMap<&'static str, Server<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Server<'a> {
    name: &'a str,
    group: &'static str,
    host: &'a str,
    port: u16,
    #[serde(rename = "MaintenanceDB")]
    maintenance_db: &'a str,
    username: &'a str,
    /// Up to pgAdmin 6 these two stood here; later ones read ConnectionParameters.
    #[serde(rename = "SSLMode")]
    ssl_mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass_file: Option<String>,
    connection_parameters: Parameters<'a>,
    shared: bool,
    comment: &'static str,
}

#[derive(Serialize)]
struct Parameters<'a> {
    sslmode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    passfile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sslrootcert: Option<String>,
    connect_timeout: u16,
}

/// Seconds: the way to the database may have to be opened first.
const PATIENCE: u16 = 60;

pub(super) fn servers(lead: &Lead) -> Handoff {
    let sslmode = lead.sslmode().unwrap_or("prefer");
    let passfile = lead.passfile.as_deref().map(text);
    let server = Server {
        name: &lead.name,
        group: "gatepost",
        host: &lead.host,
        port: lead.port,
        maintenance_db: &lead.database,
        username: &lead.user,
        ssl_mode: sslmode,
        pass_file: passfile.clone(),
        connection_parameters: Parameters {
            sslmode,
            passfile,
            sslrootcert: lead.authority.as_deref().filter(|_| !lead.is_socket()).map(text),
            connect_timeout: PATIENCE,
        },
        shared: false,
        comment: "logged in by gatepost, for as long as that runs",
    };
    let file = File { servers: BTreeMap::from([("1", server)]) };
    let json = serde_json::to_string_pretty(&file).expect("strings in structs have no way not to be JSON");
    let path = lead.folder.join("servers.json");
    let names = ["pgadmin4", "/usr/pgadmin4/bin/pgadmin4", "/Applications/pgAdmin 4.app/Contents/MacOS/pgAdmin 4"];
    Handoff {
        lines: json.lines().map(str::to_owned).collect(),
        program: Some(Program { names: names.map(str::to_owned).to_vec(), has_windows: true, ..Program::default() }),
        remarks: vec![
            format!(
                "In pgAdmin: Tools, Import/Export Servers, Import, {}; or with pgAdmin's own Python: setup.py load-servers {}",
                text(&path),
                quote::shell(&text(&path))
            ),
        ]
        .into_iter()
        .chain(lead.passfile.is_some().then(|| {
            "The password is in the passfile, which pgAdmin reads in desktop mode; in server mode it asks for it.".to_owned()
        }))
        .collect(),
        files: vec![(path, Secret::new(json + "\n"))],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::lead;
    use super::*;

    #[test]
    fn servers_are_json_that_pgadmin_takes() {
        let handoff = servers(&lead());
        let value: serde_json::Value = serde_json::from_str(&handoff.lines.join("\n")).expect("JSON");
        let server = &value["Servers"]["1"];
        for required in ["Name", "Group", "Port", "Username", "SSLMode", "MaintenanceDB", "Host"] {
            assert!(!server[required].is_null(), "{required}");
        }
        assert_eq!(server["Username"], "o'n:c");
        assert_eq!(server["MaintenanceDB"], "my %s\\op\"");
        assert_eq!(server["Port"], 5433);
        assert_eq!(server["ConnectionParameters"]["passfile"], "/st ate/run/p1/passfile");
        assert_eq!(server["ConnectionParameters"]["sslmode"], "disable");
        assert_eq!(handoff.files[0].1.reveal().trim_end(), handoff.lines.join("\n"));
    }
}
