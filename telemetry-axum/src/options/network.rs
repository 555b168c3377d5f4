//! Ranges of IP addresses, for the list of trusted proxies.

use std::{fmt, net::IpAddr, str::FromStr};

/// A range of IP addresses: `10.0.0.0/8`, `fd00::/8`, or a single address.
///
/// ```
/// use telemetry_axum::Network;
///
/// let pods: Network = "10.42.0.0/16".parse().unwrap();
/// assert!(pods.contains("10.42.7.1".parse().unwrap()));
/// assert!("10.42.0.0/33".parse::<Network>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Returns true if the address is in the range. An IPv4 address that is mapped into IPv6 is compared as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let differing = net.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let differing = net.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Self { address, prefix }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// Parses an address, or an address and a prefix length: `192.0.2.1`, `10.0.0.0/8`.
    ///
    /// # Errors
    ///
    /// [`InvalidNetwork`] if the address cannot be parsed or the prefix is longer than the address.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let whole = Self::from(address.parse::<IpAddr>().map_err(|_| invalid())?);
        let Some(prefix) = prefix else {
            return Ok(whole);
        };
        let prefix = prefix.parse().map_err(|_| invalid())?;
        if prefix > whole.prefix {
            return Err(invalid());
        }
        Ok(Self { prefix, ..whole })
    }
}

/// The text could not be parsed as a [`Network`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a range of addresses: write it as 10.0.0.0/8, fd00::/8 or 192.0.2.1",
            self.0
        )
    }
}

impl std::error::Error for InvalidNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_checked_when_they_are_parsed() {
        for bad in ["", "10.0.0.0/", "10.0.0.0/33", "::/129", "shop/8", "10/8"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
    }
}
