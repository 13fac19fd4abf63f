"""What is said about a run: figures, ratios, the bars, and the page in docs."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import customs_report
from benchmarks.floor import INFORMATION
from benchmarks.measure import percentile

if TYPE_CHECKING:
    from benchmarks.measure import Batch

__all__ = ["as_text", "bars", "machine", "ratio", "summary", "write_document"]

LIBRARIES = ("spyne", "lxml", "cryptography", "signxml", "xmlschema", "SQLAlchemy", "granian", "rfc3161-client")
FLOOR_BAR = 5.0
NAIVE_BAR = 4.0
MEMORY_BAR = 1.1
"""Flat: over nine thousand further messages the server grows by less than a tenth."""
LARGE_BAR = 1.2
HUB_DELIVER_BAR = 2.0
HUB_PULL_BAR = 1.2
HUB_MEMORY_BAR = 6.0
CHED_BAR = 2.5
CHED_RULES_BAR = 1.0
"""Milliseconds, for a CHED of twenty lines with all three parts."""
CHED_STORED_BAR = 1.2
TABLES_START_BAR = 10.0
"""Seconds until a process has the tables, with a million rows."""
TABLES_MEMORY_BAR = 600.0
"""MiB of such a process at its peak, the swap from one version to the next included."""
LOOKUP_BAR = 2.0
"""Microseconds, after the first."""
DELTA_BAR = 2.0
"""Seconds from the publication of 10,000 rows until another process uses them."""
TRANSLATION_BAR = 0.5
"""Milliseconds, for a certificate of 8 KB."""
LINEAR_BAR = 1.3


def machine(folder: Path) -> dict[str, Any]:
    """What the figures depend on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": model,
        "cores": os.cpu_count(),
        "load average before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "python": platform.python_version(),
        "OpenSSL": ssl.OPENSSL_VERSION,
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in LIBRARIES},
    }


def _file_system(folder: Path) -> str:
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown"
    place = str(folder.resolve())
    known = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    over = [(point, kind) for point, kind in known if place == point or place.startswith(point.rstrip("/") + "/")]
    return max(over, key=lambda entry: len(entry[0]))[1]


def summary(batches: list[Batch]) -> dict[str, Any]:
    """The figures of one contestant over all its turns."""
    wall = [seconds for batch in batches for seconds in batch.wall]
    cpu = sum(batch.cpu for batch in batches) / len(wall)
    figures: dict[str, Any] = {
        "messages": len(wall),
        "cpu_us": round(cpu * 1e6, 1),
        "p50_us": round(median(wall) * 1e6, 1),
        "p99_us": round(percentile(wall, 0.99) * 1e6, 1),
        "messages_per_second": round(len(wall) / sum(wall), 1),
        "resident_mib": [round(batch.resident_kib / 1024, 1) for batch in (batches[0], batches[-1])],
    }
    if batches[0].parts:
        figures["parts_us"] = {
            name: {
                "wall": round(median(batch.parts[name][0] for batch in batches) * 1e6, 1),
                "cpu": round(median(batch.parts[name][1] for batch in batches) * 1e6, 1),
            }
            for name in batches[0].parts
        }
    return figures


def ratio(above: list[Batch], below: list[Batch]) -> dict[str, Any]:
    """Ratios taken turn by turn: their median, and the range."""
    cpu = [one.cpu_each / other.cpu_each for one, other in zip(above, below, strict=True)]
    wall = [one.median / other.median for one, other in zip(above, below, strict=True)]
    return {
        kind: {"median": round(median(values), 2), "range": [round(min(values), 2), round(max(values), 2)]}
        for kind, values in (("cpu", cpu), ("p50", wall))
    }


def bars(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The bars of the headline path: at 8 KB, by CPU and by median, memory, and with a million messages stored."""
    further = {"reference": _reference_bars, "customs": customs_report.bars}
    found = [bar for name, bars_of in further.items() if result.get(name) for bar in bars_of(result[name])]

    def at_most(name: str, value: float, most: float) -> None:
        found.append({"bar": f"{name} at most {most}", "value": value, "met": value <= most})

    def at_least(name: str, value: float, least: float) -> None:
        found.append({"bar": f"{name} at least {least}", "value": value, "met": value >= least})

    for kind in ("cpu", "p50"):
        if "sizes" in result:
            small = result["sizes"]["8 KB"]
            at_most(f"ours/floor ({kind}, 8 KB)", small["ours/floor"][kind]["median"], FLOOR_BAR)
            at_least(f"naive/ours ({kind}, 8 KB)", small["naive/ours"][kind]["median"], NAIVE_BAR)
    if "http" in result:
        at_most("memory after the last message / after the first tenth", result["http"]["growth"], MEMORY_BAR)
    if "hub" in result:
        hub = result["hub"]
        at_most(
            "DeliverEnvelope / SubmitCertificate (p50, over HTTP)", hub["deliver"]["ratio"]["median"], HUB_DELIVER_BAR
        )
        at_most("pulling an envelope, last tenth of the queue / first tenth", hub["pull"]["growth"], HUB_PULL_BAR)
        at_most("memory for a 20 MB envelope / its size", hub["large"]["worst"], HUB_MEMORY_BAR)
    if "traces" in result:
        traces = result["traces"]
        for kind in ("cpu", "p50"):
            value = traces["submission"]["ched/certificate"][kind]["median"]
            at_most(f"submitting a CHED / a certificate ({kind}, 8 KB)", value, CHED_BAR)
        rules = traces["rules"]["20 lines, all parts"]
        at_most("rules of a CHED with 20 lines and all parts (p50, ms)", rules["p50_us"] / 1000, CHED_RULES_BAR)
        stored = traces["stored"]
        get, *searches = (figures["ratio"]["p50"]["median"] for figures in stored["questions"].values())
        beside = f"{stored['many']:,} CHEDs stored / {stored['few']:,}"
        at_most(f"get with {beside} (p50)", get, CHED_STORED_BAR)
        at_most(f"find with {beside} (p50, the worst of {len(searches)} searches)", max(searches), CHED_STORED_BAR)
    if "large" in result:
        at_most("median with a full store / with an empty one", result["large"]["ratio"]["p50"]["median"], LARGE_BAR)
    return found


def _reference_bars(reference: dict[str, Any]) -> list[dict[str, Any]]:
    databases = reference["databases"].values()
    one, small, large = (reference["translation"][label] for label in ("8 KB", "60 KB", "1 MB"))
    rows = f"{reference['rows']:,} rows"
    deltas = [each[name]["seconds"] for each in databases for name in _DELTAS]
    values = (
        (f"start of a process with {rows} (s)", max(each["start"]["seconds"] for each in databases), TABLES_START_BAR),
        (
            f"memory of a process with {rows}, peak over swaps (MiB)",
            max(each["memory"]["peak_mib"] for each in databases),
            TABLES_MEMORY_BAR,
        ),
        ("lookup after the first (us)", max(each["lookups"]["again_us"] for each in databases), LOOKUP_BAR),
        ("10,000 rows published until in use elsewhere (s)", max(deltas), DELTA_BAR),
        ("translating a certificate of 8 KB (ms)", one["ms"], TRANSLATION_BAR),
        (
            "translating, time per element at 1 MB / at 60 KB",
            round(large["us_per_element"] / small["us_per_element"], 2),
            LINEAR_BAR,
        ),
    )
    return [{"bar": f"{name} at most {most}", "value": value, "met": value <= most} for name, value, most in values]


_DELTAS = ("delta of a large table", "delta of a table in memory")


def as_text(result: dict[str, Any]) -> str:
    """The tables, in Markdown, which a terminal shows well enough."""
    lines: list[str] = []
    for label, size in result.get("sizes", {}).items():
        lines += [f"### {label} certificate, headline path", "", *_contestants(size, ("floor", "ours", "naive"))]
        lines += ["", *_ratios(size), ""]
    for label, size in result.get("timestamped", {}).items():
        lines += [f"### {label} certificate, time-stamped seal (T path)", "", *_contestants(size, ("floor", "ours"))]
        lines += ["", *_ratios(size), ""]
    if "sizes" in result:
        lines += _parts(result) + _stages(result["stages"])
    if "http" in result:
        lines += _http(result["http"])
    if "hub" in result:
        lines += _hub(result["hub"])
    if "traces" in result:
        lines += _traces(result["traces"])
    if "reference" in result:
        lines += _reference(result["reference"])
    if result.get("customs"):
        lines += customs_report.as_lines(result["customs"])
    if "large" in result:
        lines += _large(result["large"])
    lines += ["### Bars", "", "| bar | measured | met |", "|---|---|---|"]
    lines += [f"| {bar['bar']} | {bar['value']} | {'yes' if bar['met'] else 'NO'} |" for bar in result["bars"]]
    return "\n".join(lines)


def _contestants(size: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    lines = [
        "| | CPU us/message | p50 us | p99 us | messages/s | memory MiB first, last turn |",
        "|---|---|---|---|---|---|",
    ]
    for name in names:
        figures = size[name]
        tail = (figures["p99_us"], figures["messages_per_second"]) if name != "floor" else ("", "")
        memory = " → ".join(str(mib) for mib in figures["resident_mib"])
        lines.append(f"| {name} | {figures['cpu_us']} | {figures['p50_us']} | {tail[0]} | {tail[1]} | {memory} |")
    return lines


def _ratios(size: dict[str, Any]) -> list[str]:
    lines = ["| ratio, turn by turn | CPU (range) | p50 (range) |", "|---|---|---|"]
    for name in ("ours/floor", "naive/ours"):
        if name in size:
            cells = [
                f"{size[name][kind]['median']} ({size[name][kind]['range'][0]} to {size[name][kind]['range'][1]})"
                for kind in ("cpu", "p50")
            ]
            lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return lines


def _parts(result: dict[str, Any]) -> list[str]:
    columns = {label: size["floor"]["parts_us"] for label, size in result["sizes"].items()}
    columns |= {f"{label} T": size["floor"]["parts_us"] for label, size in result["timestamped"].items()}
    names = list(dict.fromkeys(name for parts in columns.values() for name in parts))
    lines = ["### The floor's parts", "", "us wall / CPU, each measured alone.", ""]
    lines += ["| part | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in names:
        cells = [f"{parts[name]['wall']} / {parts[name]['cpu']}" if name in parts else "" for parts in columns.values()]
        note = " (for information, not in the sum)" if name in INFORMATION else ""
        lines.append(f"| {name}{note} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _stages(stages: dict[str, Any]) -> list[str]:
    lines = [
        "### Where ours spends it",
        "",
        "us wall / CPU of the calling thread, each stage without those it calls; the writer has its own thread.",
        "",
    ]
    lines += ["| stage | " + " | ".join(stages) + " |", "|---" * (len(stages) + 1) + "|"]
    for stage in next(iter(stages.values())):
        cells = [f"{column[stage]['wall']} / {column[stage]['cpu']}" for column in stages.values()]
        lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _http(http: dict[str, Any]) -> list[str]:
    return [
        f"### Over HTTP: `imsoc serve`, {http['connections']} connections, requests fed by {http['generator']}",
        "",
        "| messages | messages/s | p50 ms | p99 ms | server CPU us/message | server memory MiB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {step['after']} | {step['messages_per_second']} | {step['p50_ms']} | {step['p99_ms']} |"
            f" {step['cpu_us']} | {step['resident_mib']} |"
            for step in http["steps"]
        ),
        "",
    ]


def _hub(hub: dict[str, Any]) -> list[str]:
    deliver, pull, large = hub["deliver"], hub["pull"], hub["large"]
    ratio = deliver["ratio"]
    lines = [
        "### The ePhyto hub's contract over HTTP, one connection",
        "",
        "| | messages | p50 ms | p99 ms | server CPU us/message |",
        "|---|---|---|---|---|",
    ]
    for name in ("SubmitCertificate", "DeliverEnvelope"):
        row = deliver[name]
        lines.append(f"| {name} | {row['messages']} | {row['p50_ms']} | {row['p99_ms']} | {row['cpu_us']} |")
    lines += [
        "",
        f"Ratio of the medians, turn by turn: {ratio['median']} ({ratio['range'][0]} to {ratio['range'][1]}).",
        "",
        (
            f"{pull['envelopes']:,} waiting envelopes, each pulled and acknowledged: median {pull['first_tenth_ms']} ms"
            f" in the first tenth, {pull['last_tenth_ms']} ms in the last, 99th percentile {pull['p99_ms']} ms;"
            f" {pull['headers_in_one_call']:,} headers in one call took {pull['headers_ms']} ms."
        ),
        "",
        f"| {large['bytes'] / 1e6:.0f} MB envelope | seconds | memory MiB before, peak | peak above before / size |",
        "|---|---|---|---|",
    ]
    for name, step in large["steps"].items():
        memory = f"{step['before_mib']} → {step['peak_mib']}"
        lines.append(f"| {name} | {step['seconds']} | {memory} | {step['over_size']} |")
    return [*lines, ""]


def _traces(traces: dict[str, Any]) -> list[str]:
    submission, stored = traces["submission"], traces["stored"]
    contestants = ("floor", "certificate", *submission["bytes"])
    lines = ["### TRACES: submitting a CHED beside a certificate", "", *_contestants(submission, contestants), ""]
    lines += ["| ratio, turn by turn | CPU (range) | p50 (range) |", "|---|---|---|"]
    for name in ("ched/certificate", "long ched/certificate", "ched/floor"):
        cells = [_range(submission[name][kind]) for kind in ("cpu", "p50")]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    sizes = ", ".join(f"{name}: {size} bytes" for name, size in submission["bytes"].items())
    lines += ["", f"{sizes}.", "", "| the floor's parts | wall us | CPU us |", "|---|---|---|"]
    lines += [f"| {name} | {part['wall']} | {part['cpu']} |" for name, part in submission["floor"]["parts_us"].items()]
    lines += ["", "### TRACES: the rules alone", "", "| CHED | p50 us | CPU us |", "|---|---|---|"]
    lines += [f"| {name} | {figures['p50_us']} | {figures['cpu_us']} |" for name, figures in traces["rules"].items()]
    lines += [
        "",
        f"### TRACES: {stored['many']:,} CHEDs stored, beside {stored['few']:,}",
        "",
        f"| p50 us | {stored['few']:,} | {stored['many']:,} | ratio, turn by turn (range) | of CPU |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {figures['few_us']} | {figures['many_us']} | {_range(figures['ratio']['p50'])}"
            f" | {figures['ratio']['cpu']['median']} |"
            for name, figures in stored["questions"].items()
        ),
        "",
        f"Filling took {stored['filling_seconds']} s, the database file is {stored['file_mib']} MiB.",
        "",
    ]
    return lines


def _reference(reference: dict[str, Any]) -> list[str]:
    databases = reference["databases"]
    lines = [
        f"### Reference data: {reference['rows']:,} rows in the store",
        "",
        "| | " + " | ".join(databases) + " |",
        "|---" * (len(databases) + 1) + "|",
    ]
    figures = (
        ("import, seconds", "import", "seconds"),
        ("a portion of 2,000 rows holds the database, ms", "import", "portion_ms"),
        ("the same, 99th percentile", "import", "portion_p99_ms"),
        ("floor: one read of a dict, us", "floor", "dict_us"),
        ("floor: one prepared SELECT, us", "floor", "select_us"),
        ("first lookup of a code, us", "lookups", "first_us"),
        ("the same, 99th percentile", "lookups", "first_p99_us"),
        ("lookup after the first, us", "lookups", "again_us"),
        ("start of a process: its tables, seconds", "start", "seconds"),
        ("memory before it has them, MiB", "start", "base_mib"),
        ("memory with them, MiB", "start", "resident_mib"),
        ("memory at its peak, 10,000 rows swapped in, MiB", "memory", "peak_mib"),
        ("10,000 rows of a large table published until in use elsewhere, s", _DELTAS[0], "seconds"),
        ("the longest that a message waited for it, ms", _DELTAS[0], "longest_question_ms"),
        ("10,000 rows of a table in memory published until in use elsewhere, s", _DELTAS[1], "seconds"),
        ("the longest that a message waited for it, ms", _DELTAS[1], "longest_question_ms"),
    )
    for name, kind, figure in figures:
        lines.append(f"| {name} | " + " | ".join(str(each[kind][figure]) for each in databases.values()) + " |")
    lines += [
        "",
        "### Translation alone, ephyto to traces",
        "",
        "| certificate | ms | floor: parse and write, ms | ours / floor | CPU us per element | floor |",
        "|---|---|---|---|---|---|",
    ]
    figures_of = ("ms", "floor_ms", "ours/floor", "us_per_element", "floor_us_per_element")
    for label, each in reference["translation"].items():
        lines.append(f"| {label} | " + " | ".join(str(each[figure]) for figure in figures_of) + " |")
    return [*lines, ""]


def _range(ratio: dict[str, Any]) -> str:
    return f"{ratio['median']} ({ratio['range'][0]} to {ratio['range'][1]})"


def _large(large: dict[str, Any]) -> list[str]:
    return [
        f"### With {large['rows']:,} messages stored",
        "",
        *_contestants(large, ("empty", "full")),
        "",
        (
            f"Ratio of the medians, turn by turn: {large['ratio']['p50']['median']}"
            f" ({large['ratio']['p50']['range'][0]} to {large['ratio']['p50']['range'][1]});"
            f" of CPU: {large['ratio']['cpu']['median']}. Loading took {large['loading_seconds']} s,"
            f" the database file is {large['file_mib']} MiB."
        ),
        "",
    ]


INTRODUCTION = """# Benchmarks

Written by `python -m benchmarks.run --write-docs` (`make bench`, `make bench-large`); do not edit.

Absolute figures wander with the machine; the ratios are taken turn by turn, with the contestants taking turns in
processes of their own, and wander less.

- **Floor**: what nobody can leave out, each step measured alone, on the sealed certificate without envelope: parse,
  XSD with libxml2 against the strict schema, exclusive canonical form, SHA-256, one P-256 verification, one P-256
  signature, one durable commit of those bytes (SQLite, WAL, synchronous FULL). The T path adds the verification of one
  RFC 3161 token.
- **Naive**: the same libraries as their tutorials say: typed spyne models, `xmlschema`, signxml for the seal with its
  chain and for the acknowledgement, SQLAlchemy ORM. It has no limits, no replay guard across restarts other than a
  unique column, no translation, no rules, no routing, and no defence against moved signatures.
- **Ours**: a whole SubmitCertificate of CertificateExchange: boundary, SOAP, WS-Security, access, XSD, seal, rules,
  translation, sealed acknowledgement, commit with outbox row. In process the WSGI application is called directly.

- **The hub's contract**: DeliverEnvelope and SubmitCertificate take turns at one server, over one connection each, from
  the first byte of the request to the last of the answer, which is committed. Client certificates come in the header of
  a reverse proxy (RFC 9440). Pulling is one call for the envelope and one for its acknowledgement.
- **TRACES**: in process, in the role that keeps CHEDs. A CHED-PP of one line has 8 KB, as the certificate beside it; it
  is submitted for decision with the rules of Part I, and bears no seal, nor does its receipt: its floor has no
  signatures. What is asked of many stored CHEDs (of 0.8 KB each) are whole calls too; as reads leave a trace,
  each ends in a commit.
- **Reference data**: rows of the size of TARIC and EPPO codes together, in portions of 2,000 as an import writes them;
  tables of more than 20,000 rows stay in the store and are asked code by code, smaller ones are in memory. A change is
  published by one process and followed by another, which looks for one every half second.
- **Customs**: CERTEX lookups and reservations as whole calls, on PostgreSQL, beside a million CHEDs with five million
  movements of their ledgers. One CHED in fifty has a document of the usual size, and those are asked for; the others'
  are short. Database, clients and gateway share the machine.

Every message is distinct (number, nonce, seal) and made before it is timed. CPU counts all threads.
"""


def write_document(path: Path, result: dict[str, Any]) -> None:
    """Write the page; the part that this run did not measure is kept from the page that is there."""
    kinds = {"large": "<!-- large -->", "sizes": "<!-- headline -->"}
    kept = path.read_text("utf-8") if path.exists() else ""
    sections = []
    for kind in ("sizes", "large"):
        if kind in result:
            facts = "; ".join(f"{name} {value}" for name, value in result["machine"].items())
            sections.append(f"{kinds[kind]}\n## {_TITLES[kind]}\n\n{facts}\n\n{as_text(result)}\n")
        elif kinds[kind] in kept:
            sections.append(kinds[kind] + kept.split(kinds[kind])[1].split("<!-- ")[0].rstrip() + "\n")
    path.write_text("\n".join([INTRODUCTION, *sections]), "utf-8")


_TITLES = {"sizes": "Floor, naive, ours", "large": "A large store"}
