"""A run as one HTML file that needs nothing else: figures, then every failing transcript, then the rest by name."""

from html import escape

from switchboard.evaluation.golden.difference import RunDifference
from switchboard.evaluation.golden.gate import Verdict
from switchboard.evaluation.golden.results import CaseResult, Figure, Results
from switchboard.scoring.transcript import Transcript

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#c2293b;--good:#1d7f4e;--soft:#8882}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .7rem;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.bar{background:var(--soft);height:.55rem;min-width:8rem;border-radius:3px;overflow:hidden}.bar i{display:block;height:100%;background:var(--good)}
details{border:1px solid var(--line);border-radius:8px;margin:.6rem 0;padding:.5rem .9rem}summary{cursor:pointer;font-weight:600}
.bad{color:var(--bad)}.good{color:var(--good)}.soft{opacity:.7}
.said{white-space:pre-wrap;border-left:3px solid var(--line);padding:.2rem .8rem;margin:.5rem 0}.said.user{border-color:#3573d9}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{white-space:pre-wrap;background:var(--soft);padding:.5rem;border-radius:6px}
"""


def html_of(results: Results, verdict: Verdict | None = None, compared: RunDifference | None = None) -> str:
    """The report of a run. What a system or a user said is escaped; nothing is loaded, nothing runs."""
    failing = results.failing
    parts = [
        f"<h1>Evaluation of {escape(results.suite)}</h1>",
        f"<p>{len(results.cases) - len(failing)} of {len(results.cases)} cases pass. "
        f"<span class=soft>{results.started_at:%d %B %Y, %H:%M} UTC, {results.seconds:.0f} s, "
        f"commit {escape(results.commit or 'unknown')}, {escape(results.machine)}</span></p>",
        _verdict(verdict),
        _metrics(results),
        _compared(compared),
        f"<h2>Failing cases ({len(failing)})</h2>",
        *(_case(case, open_=True) for case in failing),
        f"<h2>Passing cases ({len(results.cases) - len(failing)})</h2>",
        *(_case(case, open_=False) for case in results.cases if case.passed),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Evaluation: {escape(results.suite)}</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    if verdict.passed:
        return "<p class=good><b>The gate is passed.</b></p>"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.failures)
    return f"<p class=bad><b>The gate is not passed.</b></p><ul>{reasons}</ul>"


def _metrics(results: Results) -> str:
    rows = "".join(_metric(name, figure) for name, figure in results.metrics.items())
    latency, tokens = results.latency_ms, results.tokens_a_turn
    timing = ""
    if latency is not None:
        timing = f"<p class=soft>A turn takes {latency.p50:.0f} ms (p50), {latency.p95:.0f} ms (p95); the run cost ${results.cost_usd:.4f}.</p>"
    if tokens is not None:
        timing += (
            f"<p class=soft>A turn reads {tokens.prompt:.0f} tokens and writes {tokens.completion:.0f} (mean).</p>"
        )
    return (
        "<h2>Metrics</h2><table><tr><th>metric</th><th class=n>mean</th><th class=n>95 % interval</th>"
        f"<th class=n>passed</th><th></th></tr>{rows}</table>{timing}"
    )


def _metric(name: str, figure: Figure) -> str:
    return (
        f"<tr><td>{escape(name)}</td><td class=n>{figure.mean:.3f}</td><td class=n>{figure.low:.3f} – {figure.high:.3f}</td>"
        f"<td class=n>{figure.passed} of {figure.n}</td>"
        f'<td><div class=bar><i style="width:{figure.mean * 100:.1f}%"></i></div></td></tr>'
    )


def _compared(compared: RunDifference | None) -> str:
    if compared is None:
        return ""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class=n>{change.before:.3f}</td><td class=n>{change.after:.3f}</td>"
        f"<td class=n>{change.difference:+.3f} ({change.low:+.3f} to {change.high:+.3f})</td><td class=n>{change.p:.3f}</td></tr>"
        for name, change in compared.metrics.items()
    )
    moved = [f"now failing: {', '.join(compared.lost)}"] if compared.lost else []
    moved += [f"now passing: {', '.join(compared.won)}"] if compared.won else []
    return (
        "<h2>Against the baseline</h2><table><tr><th>metric</th><th class=n>before</th><th class=n>now</th>"
        f"<th class=n>difference</th><th class=n>p</th></tr>{rows}</table><p>{escape('; '.join(moved) or 'No case changed.')}</p>"
    )


def _case(case: CaseResult, *, open_: bool) -> str:
    reasons = "".join(
        f"<li class=bad><b>{score.metric}</b> {score.value:.2f}: {escape(score.reason)}</li>"
        for score in case.scores
        if not score.passed
    )
    tags = f" <span class=soft>{escape(', '.join(case.tags))}</span>"
    transcript = _transcript(case.transcript) if case.transcript is not None else ""
    opened = " open" if open_ else ""
    return f"<details{opened}><summary>{escape(case.id)}{tags}</summary><ul>{reasons}</ul>{transcript}</details>"


def _transcript(turn: Transcript) -> str:
    earlier = "".join(_said(each.role, each.text) for each in turn.history)
    answer = _said("assistant", turn.text or f"({turn.code}) {turn.failure}")
    tools = "".join(
        f"<pre>{escape(tool.name)}({escape(str(tool.arguments))})\n{escape(chr(10).join(tool.facts) or tool.summary)}</pre>"
        for tool in turn.tools
    )
    sources = "".join(
        f"<li>[{each.n}] {escape(each.title)} <code>{escape(each.uri)}</code></li>" for each in turn.citations
    )
    who = f"{', '.join(turn.agents) or 'supervisor'}, decided by {turn.routed_by or 'nobody'}"
    return (
        f"{earlier}{_said('user', turn.message)}{answer}{tools}<ul>{sources}</ul>"
        f"<p class=soft>{escape(who)}; {turn.duration_ms:.0f} ms; trace <code>{escape(turn.trace_id)}</code></p>"
    )


def _said(role: str, text: str) -> str:
    return f'<div class="said {role}">{escape(text)}</div>'
