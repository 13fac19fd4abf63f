"""Files of strangers that an operator is asked to import: codes that look like others, cells that calculate, bombs."""

from __future__ import annotations

import zipfile

import pytest

from gateway.errors import ConfigurationError, TranslationRefused
from mappings.publishers.files import open_archive
from mappings.sheets import open_sheet


def refusal(tmp_path, text):
    file = tmp_path / "rows.csv"
    file.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(ConfigurationError) as refused:
        list(open_sheet(file, system="national-b", name="unit").rows())
    return refused.value.code


@pytest.mark.parametrize(
    "code", ["K\u200bG", "\u00a0KG", "KG\u00a0", "K\u00a0G", "K\u202eG", "K\u0085G", "KG ", "\ufeffKG", "K\u2028G"]
)
def test_a_code_that_looks_like_another_is_refused(tmp_path, code):
    assert refusal(tmp_path, f"code,canonical\nDOOS,MTR\n{code},KGM\n") == "IMG-0135"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
@pytest.mark.parametrize("column", ["code", "evidence"])
def test_a_cell_that_would_calculate_is_refused_in_every_column(tmp_path, cell, column):
    values = {"code": "DOOS", "evidence": "a letter"} | {column: cell}
    text = f'code,canonical,evidence\n"{values["code"]}",MTR,"{values["evidence"]}"\n'
    assert refusal(tmp_path, text) == "IMG-0136"


@pytest.mark.parametrize(
    "text",
    [
        "code,canonical,code\nA,B,C\n",
        "code,canonical\u200b\nA,B\n",
        "code,canonical," + "x," * 20_000 + "\nA,B\n",
        'code,canonical\n"A,B\n' + "C,D\n" * 1_000,
        "code,canonical\n" + "A," * 100 + "\n",
        "# system: traces\ncode,canonical\nA,B\n",
    ],
)
def test_a_file_that_is_no_sheet_of_that_table_is_refused_as_a_whole(tmp_path, text):
    assert refusal(tmp_path, text) == "IMG-0134"


def test_a_publishers_archive_that_would_grow_is_not_read(tmp_path):
    file = tmp_path / "bayer.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gafname.txt", b"0" * 32 * 1024 * 1024)
    with pytest.raises(TranslationRefused) as refused, open_archive(file):
        pass
    assert refused.value.code == "IMG-6032"
