//! An event of the level ERROR makes a span a failure, as far as it was asked for.

use crm_monitor::{Monitor, SpanFailures, SpanLayer};
use tracing::{error, info_span, warn};
use tracing_subscriber::layer::SubscriberExt;

use crate::readings::histogram;

/// How many of the spans of each name failed, after `work` under a layer with this setting.
fn failures<const N: usize>(
    setting: SpanFailures,
    names: [&str; N],
    work: impl FnOnce(),
) -> [Option<u64>; N] {
    let monitor = Monitor::new();
    let layer = SpanLayer::builder(&monitor)
        .failures(setting)
        .build()
        .unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    names.map(|name| {
        let of = |family| {
            let times = histogram(&monitor, family, &[("span", name)])?;
            Some((times.count(), times.failures()))
        };
        let whole = of("span_duration_seconds");
        assert_eq!(whole, of("span_busy_seconds"));
        whole.map(|(_, failures)| failures)
    })
}

fn nested() {
    let outer = info_span!("outer").entered();
    info_span!("inner").in_scope(|| error!("it went wrong"));
    info_span!("other").in_scope(|| warn!("it could be better"));
    drop(outer);
}

#[test]
fn the_innermost_span_fails_unless_it_is_said_otherwise() {
    let names = ["outer", "inner", "other"];
    let of = |setting| failures(setting, names, nested);
    assert_eq!(of(SpanFailures::default()), [Some(0), Some(1), Some(0)]);
    assert_eq!(of(SpanFailures::Scope), [Some(1), Some(1), Some(0)]);
    assert_eq!(of(SpanFailures::Never), [Some(0), Some(0), Some(0)]);
}

#[test]
fn a_span_fails_once_however_many_errors_there_are() {
    let failed = failures(SpanFailures::Innermost, ["load"], || {
        for errors in [0, 1, 5] {
            info_span!("load").in_scope(|| (0..errors).for_each(|n| error!(n)));
        }
    });
    assert_eq!(failed, [Some(2)]);
}

#[test]
fn an_error_that_names_its_span_belongs_to_it() {
    let failed = failures(SpanFailures::Innermost, ["named", "around"], || {
        let named = info_span!("named");
        let _around = info_span!("around").entered();
        error!(parent: &named, "elsewhere");
    });
    assert_eq!(failed, [Some(1), Some(0)]);
}

#[test]
fn an_error_outside_of_all_spans_belongs_to_none() {
    let failed = failures(SpanFailures::Scope, ["load"], || {
        let load = info_span!("load");
        error!("outside");
        drop(load);
    });
    assert_eq!(failed, [Some(0)]);
}

#[test]
fn each_layer_of_a_subscriber_has_a_mind_of_its_own() {
    let settings = [
        SpanFailures::Innermost,
        SpanFailures::Never,
        SpanFailures::Innermost,
    ];
    let monitors = [(); 3].map(|()| Monitor::new());
    let mut layers = monitors.iter().zip(settings).map(|(monitor, setting)| {
        SpanLayer::builder(monitor)
            .failures(setting)
            .build()
            .unwrap()
    });
    let [first, second, third] = std::array::from_fn(|_| layers.next().unwrap());
    let subscriber = tracing_subscriber::registry()
        .with(first)
        .with(second)
        .with(third);
    tracing::subscriber::with_default(subscriber, || {
        info_span!("load").in_scope(|| error!("inside"));
    });
    let failures = monitors.each_ref().map(|monitor| {
        let times = histogram(monitor, "span_duration_seconds", &[("span", "load")]).unwrap();
        assert_eq!(times.count(), 1);
        times.failures()
    });
    assert_eq!(failures, [1, 0, 1]);
}
