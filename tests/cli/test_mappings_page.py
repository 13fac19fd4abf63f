"""The examples of docs/mappings.md are run, in the order in which they stand there."""

import re
import shlex
from pathlib import Path

from gateway.sandbox.samples import certificate

PAGE = Path(__file__).parents[2] / "docs" / "mappings.md"
HEADER = (
    "# list: unit\n# system: land\n# otherwise: refuse\n# authority: us\n# source: us\n# version: 1\n"
    "# licence: none\n# grade: own\ncode,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"
)


def test_each_example_does_what_the_page_says(imsoc, trial):
    (trial / "certificate.xml").write_bytes(certificate(lines=1))
    (trial / "new-tables").mkdir()
    (trial / "new-tables" / "map-land-unit.csv").write_text(f"{HEADER}1,KGM,,both,none,,,,\n", "utf-8")
    imsoc("mappings", "export", "national-b", "unit", "-o", "units.xlsx")
    examples = re.findall(r"^ {4}imsoc (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(examples) > 15
    for example in examples:
        remark = example.partition("  #")[2]
        code = re.search(r"exit code (\d)", remark)
        imsoc(*shlex.split(example, comments=True), code=int(code[1]) if code else 0)
