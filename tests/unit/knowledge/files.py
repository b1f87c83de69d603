"""Small documents of each format, made here."""

from pathlib import Path

PAGE = """<!doctype html><html lang="de-CH"><head><title>The tab</title><style>p { color: red }</style></head><body>
<nav><a href="/">Home</a></nav><main><h1>Router</h1><p>A <b>red</b> light<br>means no signal.</p><h2>What to do</h2>
<ul><li>Switch it off</li><li>Wait <p>one minute</p></li></ul><table><tr><th>Light</th><th>Meaning</th></tr>
<tr><td>green</td><td>all | well</td></tr></table><pre>reset --now
# really</pre><script>alert(1)</script></main><footer>© nobody</footer></body></html>"""


def pdf(path: Path, pages: list[str]) -> None:
    """A PDF with one line of text a page."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, text in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents {5 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        stream = f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    path.write_bytes(f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("latin-1"))


def docx(path: Path) -> None:
    from docx import Document

    document = Document()
    document.core_properties.title = "Refund rules"
    document.core_properties.language = "en-GB"
    document.add_heading("When is a payment refunded?", level=1)
    document.add_paragraph("Within five working days.")
    document.add_heading("How", level=2)
    document.add_paragraph("Ask us", style="List Bullet")
    document.add_paragraph("Wait", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, (("Fee", "Price"), ("Late", "5")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.save(str(path))
