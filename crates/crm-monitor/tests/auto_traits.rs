//! What a service keeps can be kept anywhere: sent to other threads, shared among them, and looked at.

use std::error::Error;
use std::fmt::Debug;

use crm_monitor::{advise, expose, judge};

/// Each type can be sent and shared, and tells what it is.
macro_rules! shared {
    ($($type:ty),* $(,)?) => {
        $(is_shared::<$type>();)*
    };
}

/// Each is an error that travels with `?` out of a thread.
macro_rules! errors {
    ($($type:ty),* $(,)?) => {
        $(is_error::<$type>();)*
    };
}

fn is_shared<T: Debug + Send + Sync>() {}

fn is_error<T: Error + Clone + PartialEq + Send + Sync + 'static>() {}

#[test]
fn everything_can_be_sent_and_shared() {
    use crm_monitor::{
        Bucket, Counter, Exemplar, Family, FamilyReading, FamilyRegistration, Gauge, Histogram,
        History, HistoryBuilder, InFlight, InFlightGuard, Kind, Labels, Layout, Monitor,
        MonitorBuilder, ObservedRegistration, Over, Quantile, Rate, Reading, Registration, Sampler,
        SeriesReading, Snapshot, Timer, Tracked, Unit, Value,
    };

    shared!(
        Counter,
        Gauge,
        InFlight,
        InFlightGuard<InFlight>,
        InFlightGuard<&InFlight>
    );
    shared!(
        Histogram,
        Timer<Histogram>,
        Timer<&Histogram>,
        Layout,
        Snapshot,
        Bucket,
        Quantile
    );
    shared!(Exemplar, Kind, Labels, Unit, Value);
    shared!(Monitor, MonitorBuilder, Family<Counter, 2>, FamilyRegistration<'_, Counter, 2>);
    shared!(Registration<'_, Histogram>, ObservedRegistration<'_>);
    shared!(Reading, FamilyReading, SeriesReading);
    shared!(History, HistoryBuilder, Sampler, Rate);
    shared!(
        Tracked<u64>,
        Tracked<Snapshot>,
        Tracked<judge::Events>,
        Over<Snapshot>
    );
}

#[test]
fn so_can_what_is_said_of_it() {
    use judge::{
        Agreement, Alert, Alerts, Apdex, Availability, Burn, BurnRules, Change, ErrorBudget,
        Evidence, Exhaustion, Hold, Interval, Latch, LittleCheck, Objective, Reason, Saturation,
        SecurityFigure, SecurityWatch, Standing, Target, Threshold, Uptime,
    };
    shared!(
        Agreement,
        Alert,
        Alerts,
        Apdex,
        Availability,
        Burn,
        BurnRules,
        Change,
        ErrorBudget
    );
    shared!(
        Evidence,
        Exhaustion,
        Hold,
        Interval,
        Latch,
        LittleCheck,
        Objective,
        Reason
    );
    shared!(
        Saturation,
        SecurityFigure,
        SecurityWatch,
        Standing,
        Target,
        Threshold,
        Uptime
    );

    use advise::{Advice, Advisor, CacheFigures, Counsel, Figures, FiguresBuilder, Load, Verdict};
    shared!(
        Advice,
        Advisor,
        CacheFigures,
        Counsel,
        Figures,
        FiguresBuilder,
        Load,
        Verdict
    );

    use expose::{Bounds, Check, CheckState, CheckValue, Exposition, Format, Range};
    shared!(
        Bounds, Check, Exposition, Format, Range, CheckState, CheckValue
    );
}

#[test]
fn errors_go_wherever_errors_go() {
    use crm_monitor::{
        BuildError, HelpError, HistoryError, LabelError, LayoutError, LayoutMismatch, NameError,
        RegisterError, SnapshotError, UnitError,
    };
    errors!(
        BuildError,
        HelpError,
        HistoryError,
        LabelError,
        LayoutError,
        LayoutMismatch
    );
    errors!(NameError, RegisterError, SnapshotError, UnitError);
    errors!(
        judge::JudgeError,
        judge::ObjectiveError,
        advise::FiguresError
    );
    errors!(expose::BoundsError, expose::RangeError);
    #[cfg(feature = "prost")]
    errors!(expose::NativeError);
    #[cfg(feature = "metrics")]
    errors!(crm_monitor::Refusal);
}

#[cfg(feature = "metrics")]
#[test]
fn the_recorder_of_metrics_does_not_stay_behind() {
    shared!(
        crm_monitor::Recorder,
        crm_monitor::RecorderBuilder<'_>,
        crm_monitor::Refusal
    );
}

#[cfg(feature = "tower")]
#[test]
fn the_layer_of_tower_does_not_stay_behind() {
    use crm_monitor::{CountedBody, MonitorFuture, MonitorLayer, Monitored, MonitoredBody};
    shared!(
        MonitorLayer,
        crm_monitor::MonitorLayerBuilder<'_>,
        crm_monitor::RequestHead<'_>
    );
    shared!(
        Monitored<()>,
        MonitorFuture<()>,
        CountedBody<()>,
        MonitoredBody<()>
    );
}

#[cfg(feature = "tracing")]
#[test]
fn the_layer_of_tracing_does_not_stay_behind() {
    shared!(
        crm_monitor::SpanLayer,
        crm_monitor::SpanLayerBuilder<'_>,
        crm_monitor::SpanFailures
    );
}
