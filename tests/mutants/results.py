"""What became of the mutants, as JSON and as Markdown."""

import collections
import dataclasses

from checks import CHECKS


def as_record(mutant, killer, proof):
    record = {"name": mutant.name, "kind": mutant.kind, "file": mutant.path, "line": mutant.line,
              "what": mutant.what, "old": mutant.old, "new": mutant.new}
    if killer is not None:
        record["killer"] = dataclasses.asdict(killer)
    return with_proof(record, proof)


def with_proof(record, proof):
    """The record with this proof that it is harmless, or with none."""
    rest = {key: value for key, value in record.items() if key != "harmless"}
    return rest if proof is None else {**rest, "harmless": proof}


def summary(records):
    counted = [record for record in records if "harmless" not in record]
    return {"killed": sum("killer" in record for record in counted), "total": len(counted),
            "harmless": len(records) - len(counted), "mutants": records}


def markdown(results):
    """The table of who killed whom."""
    lines = [f"# Mutants: {results['killed']} of {results['total']} killed",
             "", "Written by tests/mutants/mutants.py; no GPU was used. Each mutant meets the "
             "checks from left to right", "until one kills it.", ""]
    kinds = list(dict.fromkeys(record["kind"] for record in results["mutants"]))
    checks = [check.name for check in CHECKS]
    counts = collections.Counter((record["kind"], record["killer"]["check"])
                                 for record in results["mutants"] if "killer" in record)
    columns = ["kind", *checks, "harmless"]
    lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for kind in kinds:
        harmless = sum(record["kind"] == kind and "harmless" in record
                       for record in results["mutants"])
        cells = [str(counts[kind, check] or "") for check in checks] + [str(harmless or "")]
        lines.append("| " + " | ".join([kind, *cells]) + " |")
    lines += ["", "| mutant | where | what | killed by | how |", "|---|---|---|---|---|"]
    for record in results["mutants"]:
        killer = record.get("killer")
        killed = f"{killer['check']}: `{killer['test']}` | {killer['how']}" if killer else "– | "
        lines.append(f"| {record['name']} | {record['file']}:{record['line']} | "
                     f"{record['what'].replace('|', chr(92) + '|')} | {killed} |")
    harmless = [record for record in results["mutants"] if "harmless" in record]
    if harmless:
        lines += ["", "## Harmless", ""]
        lines += [f"- {record['name']}, {record['file']}: `{record['old']}` becomes "
                  f"`{record['new']}`. {record['harmless']}" for record in harmless]
    return "\n".join(lines) + "\n"


def out_of_date(mutants, proofs, results):
    """Why the stored results do not fit the sources; empty if they do."""
    stored = {record["name"]: record for record in results.get("mutants", [])}
    names = {mutant.name for mutant in mutants}
    missing = [mutant for mutant in mutants if mutant.name not in stored]
    reasons = [f"{mutant.path}:{mutant.line}: {mutant.what}: not run" for mutant in missing]
    reasons += [f"{record['file']}: {record['what']}: no longer there"
                for stored_name, record in stored.items() if stored_name not in names]
    reasons += [f"{record['file']}: {record['what']}: not killed"
                for stored_name, record in stored.items()
                if "killer" not in record and stored_name not in proofs]
    reasons += [f"{record['file']}: {record['what']}: stored with another proof"
                for stored_name, record in stored.items()
                if stored_name in names and record.get("harmless") != proofs.get(stored_name)]
    return reasons
