//! Quantiles of M/M/c/K with room for a million agree with their values at 60 digits.

mod support;

use crm_metrics::queueing::Mmck;
use support::assert_close;

#[test]
fn quantiles_with_room_for_a_million() {
    let mut compared = 0;
    let lines = include_str!("data/limited_room.txt").lines();
    // The head tells which script writes the file.
    for line in lines.skip_while(|line| line.starts_with('#')) {
        let cells: Vec<f64> = line.split(' ').map(|cell| cell.parse().unwrap()).collect();
        let &[
            arrival_rate,
            service_rate,
            servers,
            capacity,
            p,
            wait,
            response,
        ] = &cells[..]
        else {
            panic!("not seven numbers: {line}");
        };
        let model = Mmck::new(arrival_rate, service_rate, servers as u32, capacity as u64).unwrap();
        assert_close(line, model.waiting_time_quantile(p), wait, 1e-12);
        assert_close(line, model.response_time_quantile(p), response, 1e-12);
        compared += 1;
    }
    assert_eq!(compared, 60);
}
