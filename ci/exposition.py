"""Holds what crm-monitor exposes against readers of other makers.

    exposition.py openmetrics FOLDER    prometheus_client's parser of OpenMetrics
    exposition.py protobuf FOLDER       Google's protobuf

FOLDER is what the example `exposition` wrote: one reading in each format. The figures that count are those of its JSON, whose
strings of digits are exact; a reader of floats has to find the nearest float of each.
"""

import json
import math
import sys
from pathlib import Path


def check(holds, *what):
    if not holds:
        sys.exit("exposition.py: " + " ".join(str(part) for part in what))


def expected(folder):
    """The families of the JSON, by name, with every sample that a text has of them: {(name, labels): value}."""
    families = {}
    for family in json.loads((folder / "reading.json").read_text(encoding="utf-8"))["families"]:
        name, samples = family["name"], {}
        for series in family["series"]:
            labels = frozenset(series["labels"].items())
            if family["kind"] == "histogram":
                for bucket in series["buckets"]:
                    bound = math.inf if bucket["le"] == "+Inf" else bucket["le"]
                    samples[f"{name}_bucket", labels, bound] = float(bucket["count"])
                samples[f"{name}_count", labels, None] = float(series["count"])
                samples[f"{name}_sum", labels, None] = float(series["sum"])
            else:
                suffix = "_total" if family["kind"] == "counter" else ""
                samples[name + suffix, labels, None] = float(series["value"])
            if family["kind"] != "gauge":
                samples[f"{name}_created", labels, None] = float(series["created"])
        families[name] = family, samples
        # What fails is a family of its own: always where there are times, else once there is a failure.
        failed = {frozenset(series["labels"].items()): series for series in family["series"] if "failures" in series}
        if family["unit"] == "seconds" and failed or any(int(series["failures"]) for series in failed.values()):
            told = {"kind": "counter", "unit": "", "help": f"How many of {name} were failures."}
            name = f"{name}_failures"
            samples = {(f"{name}_total", labels, None): float(series["failures"]) for labels, series in failed.items()}
            samples |= {(f"{name}_created", labels, None): float(series["created"]) for labels, series in failed.items()}
            families[name] = told, samples
    return families


def openmetrics(folder):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    families = expected(folder)
    text = (folder / "openmetrics.txt").read_bytes().decode("utf-8")
    read, exemplars = set(), 0
    for told in text_string_to_metric_families(text):
        family, samples = families[told.name]
        check(told.type == family["kind"], told.name, "is a", told.type)
        check(told.unit == family["unit"], told.name, "is in", told.unit)
        check(told.documentation == family["help"], told.name, "means", repr(told.documentation))
        found = {}
        for sample in told.samples:
            labels = dict(sample.labels)
            bound = labels.pop("le", None)
            key = sample.name, frozenset(labels.items()), bound and float(bound)
            check(key not in found, key, "twice")
            found[key] = float(sample.value)
            exemplars += sample.exemplar is not None
        check(found == samples, told.name, "differs:", set(found.items()) ^ set(samples.items()))
        read.add(told.name)
    check(read == families.keys(), "families are missing:", families.keys() - read)
    check(exemplars > 20, "there are", exemplars, "exemplars only")
    print(f"{len(read)} families, {sum(len(samples) for _, samples in families.values())} samples, {exemplars} exemplars")


def messages():
    """The messages of io/prometheus/client/metrics.proto (prometheus/client_model) as far as they are written here."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = {"string": 9, "double": 1, "uint64": 4, "int64": 3, "int32": 5, "sint32": 17, "sint64": 18, "uint32": 13}
    shapes = {
        "LabelPair": "1 name string, 2 value string",
        "Time": "1 seconds int64, 2 nanos int32",
        "Gauge": "1 value double",
        "Exemplar": "1 label *LabelPair, 2 value double, 3 timestamp Time",
        "Counter": "1 value double, 2 exemplar Exemplar, 3 created_timestamp Time",
        "Bucket": "1 cumulative_count uint64, 2 upper_bound double, 3 exemplar Exemplar",
        "BucketSpan": "1 offset sint32, 2 length uint32",
        "Histogram": "1 sample_count uint64, 2 sample_sum double, 3 bucket *Bucket, 5 schema sint32, 6 zero_threshold double,"
        " 7 zero_count uint64, 12 positive_span *BucketSpan, 13 positive_delta *sint64, 15 created_timestamp Time,"
        " 16 exemplars *Exemplar",
        "Metric": "1 label *LabelPair, 2 gauge Gauge, 3 counter Counter, 7 histogram Histogram",
        "MetricFamily": "1 name string, 2 help string, 3 type int32, 4 metric *Metric, 5 unit string",
    }
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="x", syntax="proto2")
    for name, fields in shapes.items():
        message = file.message_type.add(name=name)
        for field in fields.split(","):
            number, label, kind = field.split()
            entry = message.field.add(name=label, number=int(number), label=3 if kind.startswith("*") else 1)
            kind = kind.lstrip("*")
            if kind in kinds:
                entry.type = kinds[kind]
            else:
                entry.type, entry.type_name = 11, f".x.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("x.MetricFamily"))


def protobuf(folder):
    family_class = messages()
    families = expected(folder)
    rest = (folder / "prometheus.pb").read_bytes()
    read = 0
    while rest:
        length = shift = 0
        while True:
            byte, rest = rest[0], rest[1:]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        told = family_class.FromString(rest[:length])
        size = told.ByteSize()
        told.DiscardUnknownFields()
        check(told.ByteSize() == size, told.name, "has unknown fields")
        rest = rest[length:]
        name = told.name.removesuffix("_total")
        family, samples = families[name]
        kind = {0: "counter", 1: "gauge", 4: "histogram"}[told.type]
        check((kind, told.unit, told.help) == (family["kind"], family["unit"], family["help"]), name, "has another head")
        found = {}
        for metric in told.metric:
            labels = frozenset((pair.name, pair.value) for pair in metric.label)
            if kind == "counter":
                found[f"{name}_total", labels, None] = metric.counter.value
                created = metric.counter.created_timestamp
            elif kind == "gauge":
                found[name, labels, None] = metric.gauge.value
                continue
            else:
                histogram = metric.histogram
                created = histogram.created_timestamp
                for bucket in histogram.bucket:
                    found[f"{name}_bucket", labels, bucket.upper_bound] = float(bucket.cumulative_count)
                found[f"{name}_count", labels, None] = float(histogram.sample_count)
                found[f"{name}_sum", labels, None] = histogram.sample_sum
                native, count = histogram.zero_count, 0
                for delta in histogram.positive_delta:
                    count += delta
                    check(count >= 0, name, "has a negative bucket")
                    native += count
                check(native == histogram.sample_count, name, "counts", native, "in native buckets")
                spans = sum(span.length for span in histogram.positive_span)
                check(spans == len(histogram.positive_delta), name, "has spans of", spans)
                check(histogram.schema <= 3 and histogram.zero_threshold > 0, name, "is no native histogram")
            found[f"{name}_created", labels, None] = float(f"{created.seconds}.{created.nanos:09}")
        check(found.keys() == samples.keys(), name, "differs:", found.keys() ^ samples.keys())
        for key, value in samples.items():
            # Rounded twice: to a float, and by the division of nanoseconds.
            check(math.isclose(found[key], value, rel_tol=1e-15), key, "is", found[key], "and not", value)
        read += 1
    check(read == len(families), "there are", read, "families of", len(families))
    print(f"{read} families")


{"openmetrics": openmetrics, "protobuf": protobuf}[sys.argv[1]](Path(sys.argv[2]))
