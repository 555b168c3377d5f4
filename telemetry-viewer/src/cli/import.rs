use std::error::Error;
use std::io::Write;

use telemetry_viewer::Store;

use super::commands::Import;
use super::source::{answered, client, file, is_viewer};

pub(super) async fn run(arguments: &Import) -> Result<(), Box<dyn Error>> {
    if !is_viewer(&arguments.to) {
        return Err(format!(
            "{} is no address; write http://127.0.0.1:4318",
            arguments.to
        )
        .into());
    }
    let text = file(&arguments.file)?;
    let client = client()?;
    let mut sent = 0;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        // Reading the line tells its signal, and a bad line by its number.
        let imported = Store::default()
            .import_line(line)
            .map_err(|error| format!("line {number}: {error}"))?;
        let address = format!("{}{}", arguments.to.trim_end_matches('/'), imported.path);
        let request = client
            .post(&address)
            .header("content-type", "application/json");
        let response = request.body(line.to_owned()).send().await;
        answered(&address, response)
            .await
            .map_err(|error| format!("line {number}: {error}"))?;
        sent += 1;
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{sent} lines sent to {}", arguments.to)?;
    Ok(())
}
