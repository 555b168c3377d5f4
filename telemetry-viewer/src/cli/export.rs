use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

use super::commands::{Export, query};
use super::source::load;

pub(super) async fn run(arguments: &Export) -> Result<(), Box<dyn Error>> {
    let query = query(&arguments.query)?;
    let store = load(&arguments.source.from, &arguments.query.join(" ")).await?;
    if arguments.file == "-" {
        let mut stdout = std::io::stdout().lock();
        store.export(&query, &mut stdout)?;
        return Ok(stdout.flush()?);
    }
    let cannot = |error| format!("cannot write {}: {error}", arguments.file);
    let mut file = BufWriter::new(File::create(&arguments.file).map_err(cannot)?);
    store.export(&query, &mut file).map_err(cannot)?;
    file.flush().map_err(cannot)?;
    let counts = store.counts();
    let mut stdout = std::io::stdout().lock();
    writeln!(
        stdout,
        "{}: {} spans, {} log records, {} metric series",
        arguments.file, counts.spans, counts.logs, counts.series
    )?;
    Ok(())
}
