//! The compressions that this program is built with.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;

use crate::otlp::compression::Compression;

pub(crate) type Compress = fn(&[u8]) -> io::Result<Vec<u8>>;

/// One row a compression. A feature adds its row here and nowhere else.
const COMPRESSIONS: &[(Compression, Compress)] = &[
    (Compression::None, |body| Ok(body.to_vec())),
    (Compression::Gzip, gzip),
    #[cfg(feature = "zstd")]
    (Compression::Zstd, |body| {
        zstd::bulk::compress(body, zstd::DEFAULT_COMPRESSION_LEVEL)
    }),
];

/// The function that compresses; `None` if the program is built without it.
pub(crate) fn of(compression: Compression) -> Option<Compress> {
    let row = COMPRESSIONS.iter().find(|(one, _)| *one == compression);
    row.map(|(_, compress)| *compress)
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let buffer = Vec::with_capacity(body.len() / 4);
    let mut encoder = GzEncoder::new(buffer, flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
