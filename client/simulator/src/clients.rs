//! The virtual clients.

use decentralml_learning::{Dataset, data::Partition};

use crate::{
    SimulateError,
    random::{Purpose, key},
};

/// All that a client is while it is idle: which part of the common list of row numbers is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where its rows begin in the list.
    pub first: u32,
    /// How many they are; those beyond the end are the first of the list.
    pub count: u32,
}

/// The clients of a run: a list of row numbers, and a range of it for each client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    /// Row numbers.
    rows: Vec<u32>,
    ranges: Vec<Range>,
}

impl Clients {
    /// Divides the rows: every row belongs to one client.
    pub fn divided(
        data: &Dataset,
        how: &Partition,
        clients: u32,
        run: u64,
    ) -> Result<Self, SimulateError> {
        check_rows(data)?;
        let parts = data.partition(how, clients as usize, key(run, Purpose::Partition, 0, 0))?;
        let mut rows = Vec::with_capacity(data.rows());
        let mut ranges = Vec::with_capacity(parts.len());
        for part in parts {
            // Both are below the number of rows, which fits.
            ranges.push(Range { first: rows.len() as u32, count: part.len() as u32 });
            rows.extend(part.into_iter().map(|row| row as u32));
        }
        Ok(Self { rows, ranges })
    }

    /// Gives each client `each` rows, evenly spread over the rows in the run's random order: with more
    /// clients than rows, clients share them.
    pub fn sharing(
        data: &Dataset,
        each: u32,
        clients: u32,
        run: u64,
    ) -> Result<Self, SimulateError> {
        let all = check_rows(data)?;
        if each == 0 || each > all {
            return Err(SimulateError::field(
                "rows_per_client",
                format!("must be 1 to {all}, the number of rows to train on"),
            ));
        }
        // The IID partition into one part is the rows in a random order.
        let order = data.partition(&Partition::Iid, 1, key(run, Purpose::Partition, 0, 0))?;
        let rows = order.into_iter().flatten().map(|row| row as u32).collect();
        let first = |client: u32| (u64::from(client) * u64::from(all) / u64::from(clients)) as u32;
        let ranges = (0..clients).map(|client| Range { first: first(client), count: each });
        Ok(Self { rows, ranges: ranges.collect() })
    }

    /// How many clients there are.
    pub fn count(&self) -> u32 {
        self.ranges.len() as u32
    }

    /// How many rows a client has; 0 for one that does not exist.
    pub fn rows_of(&self, client: u32) -> u32 {
        self.ranges.get(client as usize).map_or(0, |range| range.count)
    }

    /// The numbers of a client's rows.
    pub fn indices(&self, client: u32) -> Vec<usize> {
        let range = self.ranges.get(client as usize).copied();
        let Range { first, count } = range.unwrap_or(Range { first: 0, count: 0 });
        let (before, from) = self.rows.split_at_checked(first as usize).unwrap_or_default();
        let own = from.iter().chain(before).take(count as usize);
        own.map(|&row| row as usize).collect()
    }

    /// Bytes that all idle clients take, with the list of row numbers.
    pub fn bytes(&self) -> usize {
        self.ranges.capacity() * size_of::<Range>() + self.rows.capacity() * size_of::<u32>()
    }
}

/// The number of rows, where there are some and the numbers of all of them fit.
fn check_rows(data: &Dataset) -> Result<u32, SimulateError> {
    match u32::try_from(data.rows()) {
        Ok(rows) if rows > 0 => Ok(rows),
        _ => Err(SimulateError::field(
            "data",
            format!("{} rows to train on: must be 1 to 4,294,967,295", data.rows()),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn data() -> Dataset {
        decentralml_learning::data::digits().unwrap()
    }

    #[test]
    fn a_million_clients_take_a_few_megabytes() {
        let clients = Clients::sharing(&data(), 20, 1_000_000, 1).unwrap();
        assert_eq!(clients.count(), 1_000_000);
        assert!(size_of::<Range>() <= 64);
        assert!(clients.bytes() < 16 << 20, "{} bytes", clients.bytes());
        // The first, the last, and one whose rows go round the end of the list.
        for client in [0, 999_999, 999_990] {
            let mut rows = clients.indices(client);
            assert_eq!(rows.len(), 20);
            rows.sort_unstable();
            rows.dedup();
            assert!(rows.len() == 20 && rows.iter().all(|&row| row < 1_797));
        }
        assert_ne!(clients.indices(0), clients.indices(500_000));
    }

    #[test]
    fn divided_clients_have_every_row_once() {
        let data = data();
        for how in [
            Partition::Iid,
            Partition::Dirichlet { alpha: 0.5, minimum: 3 },
            Partition::InnerDirichlet { alpha: 0.5 },
            Partition::Pathological { labels: 2 },
            Partition::Shards { per_part: 2 },
            Partition::Linear,
        ] {
            let clients = Clients::divided(&data, &how, 20, 1).unwrap();
            let mut rows: Vec<usize> = (0..20).flat_map(|client| clients.indices(client)).collect();
            rows.sort_unstable();
            assert_eq!(rows, (0..data.rows()).collect::<Vec<_>>(), "{how:?}");
            assert_ne!(clients, Clients::divided(&data, &how, 20, 2).unwrap());
        }
    }

    #[test]
    fn clients_without_rows_are_refused() {
        let error = Clients::sharing(&data(), 0, 5, 1).unwrap_err().to_string();
        assert!(error.starts_with("`rows_per_client`: must be 1 to 1797"), "{error}");
        assert!(Clients::divided(&data(), &Partition::Iid, 2_000, 1).is_err());
        assert!(Clients::divided(&data().subset(&[]), &Partition::Iid, 1, 1).is_err());
    }
}
