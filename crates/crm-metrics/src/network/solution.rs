//! What a network does.

use super::error::NetworkError;
use super::station::{Kind, Station};
use alloc::vec::Vec;

/// The figures of a network with one class of requests.
///
/// Rates are per the unit of the times that were given. Examples are those of [`Network`](super::Network) and [`JacksonNetwork`](super::JacksonNetwork).
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    throughput: f64,
    response_time: f64,
    stations: Vec<StationMeasures>,
}

impl Solution {
    /// From throughput and stations; the response time is the sum of the residence times.
    pub(super) fn new(throughput: f64, stations: Vec<StationMeasures>) -> Self {
        let response_time = stations
            .iter()
            .fold(0.0, |sum, station| sum + station.residence_time);
        Self {
            throughput,
            response_time,
            stations,
        }
    }

    /// With `arrival_rate` from outside, every station being as if it were alone: `flows` are the arrival rate at each and the visits of one request.
    pub(super) fn open(
        arrival_rate: f64,
        stations: &[Station],
        flows: impl Iterator<Item = (f64, f64)>,
    ) -> Result<Self, NetworkError> {
        let measures = stations
            .iter()
            .zip(flows)
            .enumerate()
            .map(|(index, (station, (throughput, visits)))| {
                let (utilisation, number, time) = station.open(index, throughput)?;
                let delay = matches!(station.kind, Kind::Delay);
                Ok(StationMeasures::open(
                    throughput,
                    visits,
                    utilisation,
                    number,
                    time,
                    delay,
                ))
            })
            .collect::<Result<_, NetworkError>>()?;
        Ok(Self::new(arrival_rate, measures))
    }

    /// `X`: requests completed per unit of time.
    #[must_use]
    pub const fn throughput(&self) -> f64 {
        self.throughput
    }

    /// `R`: the mean time from a request's begin to its end, at all stations together. Think time is not part of it.
    #[must_use]
    pub const fn response_time(&self) -> f64 {
        self.response_time
    }

    /// `X R`: the mean number of requests at all stations together, those thinking not counted.
    #[must_use]
    pub fn mean_in_system(&self) -> f64 {
        self.stations
            .iter()
            .fold(0.0, |sum, station| sum + station.mean_in_system)
    }

    /// The figures of one station, counted from zero in the order in which they were added.
    ///
    /// # Panics
    ///
    /// When there is no such station.
    #[must_use]
    pub fn station(&self, index: usize) -> StationMeasures {
        self.stations[index]
    }

    /// The figures of all stations, in the order in which they were added.
    #[must_use]
    pub fn stations(&self) -> &[StationMeasures] {
        &self.stations
    }

    /// The index of the station with the highest utilisation, delays not counted; the first of them where several are equal.
    #[must_use]
    pub fn bottleneck(&self) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (index, station) in self.stations.iter().enumerate() {
            if !station.delay && best.is_none_or(|(_, most)| station.utilisation > most) {
                best = Some((index, station.utilisation));
            }
        }
        best.map(|(index, _)| index)
    }
}

/// The figures of one station.
///
/// Symbols: `X` is the throughput of the network, `V_k` the visits that a request makes to the station, and `D_k` the time in service that it needs there
/// in all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StationMeasures {
    throughput: f64,
    utilisation: f64,
    mean_in_system: f64,
    residence_time: f64,
    response_time: f64,
    delay: bool,
}

impl StationMeasures {
    /// From the throughput of the network, the visits, and the residence time.
    pub(super) fn closed(
        throughput: f64,
        visits: f64,
        utilisation: f64,
        residence_time: f64,
        delay: bool,
    ) -> Self {
        Self {
            throughput: throughput * visits,
            utilisation,
            mean_in_system: throughput * residence_time,
            residence_time,
            response_time: if visits > 0.0 {
                residence_time / visits
            } else {
                0.0
            },
            delay,
        }
    }

    /// From the throughput of the station, the visits, and the mean time per visit.
    pub(super) fn open(
        throughput: f64,
        visits: f64,
        utilisation: f64,
        mean_in_system: f64,
        response_time: f64,
        delay: bool,
    ) -> Self {
        Self {
            throughput,
            utilisation,
            mean_in_system,
            residence_time: response_time * visits,
            response_time,
            delay,
        }
    }

    /// `X_k = X V_k`: visits to the station per unit of time.
    #[must_use]
    pub const fn throughput(&self) -> f64 {
        self.throughput
    }

    /// `U_k = X D_k / c`: the share of time that one of the `c` servers is busy. For a delay it is the mean number there, and for a speed that depends on the number
    /// present the share of time that anybody is.
    #[must_use]
    pub const fn utilisation(&self) -> f64 {
        self.utilisation
    }

    /// `Q_k = X R_k`: the mean number at the station, waiting and in service.
    #[must_use]
    pub const fn mean_in_system(&self) -> f64 {
        self.mean_in_system
    }

    /// `R_k`: the mean time that a request spends here, over all its visits.
    #[must_use]
    pub const fn residence_time(&self) -> f64 {
        self.residence_time
    }

    /// `R_k / V_k`: the mean time of one visit, waiting and service.
    #[must_use]
    pub const fn response_time(&self) -> f64 {
        self.response_time
    }
}
