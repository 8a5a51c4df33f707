"""Answers questions about the workspace from cargo's metadata; the scripts beside it say when each is asked."""

import json
import subprocess
import sys


def metadata(*arguments):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def published_packages():
    packages = metadata("--no-deps")["packages"]
    # `publish` is None for any registry, and a list of registries otherwise: empty means never.
    return sorted((p for p in packages if p["publish"] != []), key=lambda p: p["name"])


def published():
    """The published crates, one a line."""
    for package in published_packages():
        print(package["name"])


def feature_sets():
    """A line for each set of features to check: the crate, and the flags for cargo."""
    for package in published_packages():
        name = package["name"]
        alone = sorted(set(package["features"]) - {"default"})
        print(name)
        print(name, "--no-default-features")
        for feature in alone:
            print(name, "--no-default-features", "--features", feature)
        if len(alone) > 1:
            print(name, "--all-features")


def minimum_rust():
    """The one minimum Rust version of the published crates, as a toolchain name."""
    versions = {p["name"]: p["rust_version"] for p in published_packages()}
    if None in versions.values() or len(set(versions.values())) != 1:
        sys.exit(f"the published crates do not agree on one rust-version: {versions}")
    version = next(iter(versions.values()))
    print(version if version.count(".") == 2 else version + ".0")


def only_benched(artifacts):
    """Fails when `artifacts`, the JSON messages of a build, hold a package that nothing but the benchmarks needs."""
    workspace = metadata("--all-features")
    name = {p["id"]: p["name"] for p in workspace["packages"]}
    needs = {n["id"]: n["dependencies"] for n in workspace["resolve"]["nodes"]}

    def closure(roots):
        seen, left = set(), list(roots)
        while left:
            package = left.pop()
            if package not in seen:
                seen.add(package)
                left.extend(needs[package])
        return seen

    members = set(workspace["workspace_members"])
    benches = {m for m in members if name[m] == "benches"}
    benched = closure(benches) - closure(members - benches)
    names = {name[p] for p in benched}
    # Should the peers move or be renamed, this check would pass for ever without looking at anything.
    for peer in ("moka", "quick_cache"):
        if peer not in names:
            sys.exit(f"{peer} is no dependency of the benchmarks alone: has the check lost its subject?")

    with open(artifacts, encoding="utf-8") as lines:
        built = {m["package_id"] for m in map(json.loads, lines) if m["reason"] == "compiler-artifact"}
    wrong = sorted(name[p] for p in benched & built)
    if wrong:
        sys.exit(f"cargo test compiles what only the benchmarks need: {', '.join(wrong)}")
    print(f"-- {len(built)} packages built, none of the {len(benched)} that only the benchmarks need")


QUESTIONS = {
    "published": published,
    "feature-sets": feature_sets,
    "minimum-rust": minimum_rust,
    "only-benched": only_benched,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in QUESTIONS:
        sys.exit(f"usage: workspace.py {'|'.join(QUESTIONS)}")
    QUESTIONS[sys.argv[1]](*sys.argv[2:])
