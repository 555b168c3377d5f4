//! The dialects of SQL.

/// How a database writes literals, identifiers, comments and placeholders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL and databases that speak its language.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// Unknown: standard SQL, and whatever is ambiguous is masked to the end of the text.
    Other,
}

impl Dialect {
    /// The dialect for a `db.system.name` value (semconv 1.44, well-known values).
    #[must_use]
    pub fn from_system_name(system: &str) -> Self {
        match system {
            "sqlite" => Self::Sqlite,
            "postgresql" | "cockroachdb" | "aws.redshift" => Self::PostgreSql,
            "mysql" | "mariadb" => Self::MySql,
            _ => Self::Other,
        }
    }

    /// The `db.system.name` value for this dialect; MariaDB has a name of its own, `mariadb`.
    #[must_use]
    pub fn system_name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::PostgreSql => "postgresql",
            Self::MySql => "mysql",
            Self::Other => "other_sql",
        }
    }

    /// The port to report as `server.port`: only one that is not the default
    /// (semconv 1.44, `server.port` is conditionally required).
    #[must_use]
    pub fn reported_port(self, port: u16) -> Option<u16> {
        let default = match self {
            Self::PostgreSql => Some(5432),
            Self::MySql => Some(3306),
            Self::Sqlite | Self::Other => None,
        };
        (default != Some(port)).then_some(port)
    }
}
