"""What a translation keeps: the words for each row are held against every answer that the tables give."""

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest

from gateway.errors import TranslationRefused
from mappings import load_tables
from mappings.contexts import chain
from mappings.coverage import cover
from mappings.models import CANONICAL, Direction, Grade, Loss
from mappings.pair_proof import prove_codes
from mappings.proof import Verdict, prove_rows

pytestmark = pytest.mark.short

HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
COLUMNS = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"
DAY = date(2026, 11, 22)
UNITS = ("KGM", "TNE", "LTR", "MTR")


@pytest.fixture
def write(tmp_path):
    def write(*rows, system="land", otherwise="refuse", partner=""):
        extra = f"# partner: {partner}\n" if partner else ""
        head = f"# list: unit\n# system: {system}\n# otherwise: {otherwise}\n{extra}{HEADER}{COLUMNS}"
        (tmp_path / f"map-{system}-unit{partner}.csv").write_text(head + "".join(f"{row}\n" for row in rows), "utf-8")
        return tmp_path

    codes = "".join(f"{code},,,,,\n" for code in (*UNITS, "GRM"))
    head = f"# list: unit\n{HEADER}code,name,valid_from,valid_to,grade,note\n"
    (tmp_path / "list-unit.csv").write_text(head + codes, "utf-8")
    return write


def contexts_of(*maps):
    return {row.context for code_map in maps for row in code_map.rows}


def proofs_of(folder, day=DAY, partner="", **options):
    """Verdict and reason of each row by its id; those of a partner with the general ones below."""
    tables = load_tables(folder)
    index = tables.compile(day, **options)
    general = next(each for each in tables.maps if not each.partner)
    rows = [*general.rows]
    proofs = prove_rows(
        rows, index, "land", "unit", partner=partner, contexts=contexts_of(*tables.maps), overlaid=bool(partner)
    )
    return {proof.row.removeprefix("land/unit/"): (proof.verdict, proof.reason) for proof in proofs}


def test_each_word_for_a_row(write):
    proofs = proofs_of(
        write(
            "1,KGM,,both,none,,,,",
            "kg,KGM,,in,widens,,,,",
            "old,TNE,,in,widens,,,,",
            "T,LTR,,both,narrows,,,,",
            "x,,,in,narrows,,,,",
            "9,MTR,,none,none,,,,a mile here",
            "7,TNE,,both,none,,2026-01-31,,",
            "8,TNE,,both,none,2027-01-01,,,",
            "6,TNE,,out,widens,2026-02-01,2026-12-31,unverified,hearsay",
        )
    )
    assert proofs == {
        "1": (Verdict.BIJECTIVE, "there and back gives the same"),
        "kg": (Verdict.WIDENS, "'kg' comes back as '1' (land/unit/1)"),
        "old": (Verdict.ONE_WAY, "nothing leads back from 'TNE'"),
        "T": (Verdict.NARROWS, "comes back the same, and is declared to lose"),
        "x": (Verdict.NARROWS, "'x' is left out"),
        "9": (Verdict.REFUSED, "has no equivalent: a mile here"),
        "7": (Verdict.UNREACHABLE, "closed after 2026-01-31"),
        "8+2027-01-01": (Verdict.UNREACHABLE, "not valid before 2027-01-01"),
        "6<TNE+2026-02-01": (Verdict.UNREACHABLE, "graded unverified and not confirmed"),
    }


def test_an_unverified_row_is_proven_like_the_others_where_such_rows_are_used(write):
    folder = write("1,KGM,,both,none,,,unverified,")
    assert proofs_of(folder)["1"][0] is Verdict.UNREACHABLE
    assert proofs_of(folder, allow_unconfirmed=True)["1"][0] is Verdict.BIJECTIVE


def test_a_way_back_that_differs_in_one_context_is_told_with_it(write):
    proofs = proofs_of(write("1,KGM,,both,widens,,,,", "2,KGM,851,out,widens,,,,"))
    assert proofs["1"][0] is Verdict.WIDENS
    assert proofs["1"][1] == "'1' comes back as '2' in the context 851 (land/unit/2<KGM@851)"


def test_a_general_row_below_a_partners_own_is_never_chosen(write):
    write("1,KGM,,both,none,,,,", "3,LTR,,both,none,,,,")
    proofs = proofs_of(write("1,TNE,,both,none,,,,", partner="atlantis"), partner="atlantis")
    assert proofs["1"] == (Verdict.UNREACHABLE, "land/unit/1 goes before it")
    assert proofs["3"][0] is Verdict.BIJECTIVE


def test_a_canonical_code_that_has_ended_is_remarked(write, tmp_path):
    folder = write("1,KGM,,both,none,,,,")
    file = tmp_path / "list-unit.csv"
    file.write_text(file.read_text("utf-8").replace("KGM,,,,,", "KGM,,,2025-12-31,,"), "utf-8")
    assert proofs_of(folder)["1"][1].endswith("; 'KGM' is not valid in its list on this day")


def test_a_canonical_code_that_its_list_does_not_have_is_remarked(write):
    """As in a table that is kept in the store, when a code of its list was withdrawn."""
    tables = load_tables(write("1,KGM,,both,none,,,,"))
    row = replace(tables.maps[0].rows[0], canonical="ZZZ")
    index = replace(tables, maps=(replace(tables.maps[0], rows=(row,)),), _compiled={}).compile(DAY)
    (proof,) = prove_rows([row], index, "land", "unit")
    assert (proof.verdict, proof.reason.partition("; ")[2]) == (Verdict.BIJECTIVE, "'ZZZ' is not in its list")


def test_what_tables_do_not_keep_is_called_a_contradiction(write):
    """Such tables do not load; a proof of tables that were never checked says the same."""
    tables = load_tables(write("1,KGM,,both,none,,,,", "2,TNE,,both,none,,,,"))
    one, two = tables.maps[0].rows
    for rows, words in (
        ((one, replace(two, code="1")), "answers for the same code"),
        ((one, replace(two, canonical="KGM", direction=Direction.IN)), "claims no loss, but '2' comes back as '1'"),
        ((replace(one, direction=Direction.IN),), "claims no loss, but nothing leads back from 'KGM'"),
    ):
        worse = replace(tables, maps=(replace(tables.maps[0], rows=rows),), _compiled={})
        proofs = list(prove_rows(rows, worse.compile(DAY), "land", "unit"))
        assert any(words in proof.reason for proof in proofs if proof.verdict is Verdict.CONTRADICTORY), proofs


def test_rows_are_proven_as_they_come(write):
    tables = load_tables(write("1,KGM,,both,none,,,,", "2,TNE,,both,none,,,,"))
    taken = []

    def rows():
        for row in tables.maps[0].rows:
            taken.append(row.id)
            yield row

    proofs = prove_rows(rows(), tables.compile(DAY), "land", "unit")
    assert next(proofs).row == "land/unit/1"
    assert taken == ["land/unit/1"]


# Two systems, through the canonical one.


@pytest.fixture
def two_lands(write):
    write(*(f"{code},{unit},,both,none,,,," for code, unit in zip("12346", (*UNITS, "GRM"), strict=True)))
    return load_tables(
        write(
            "K,KGM,,both,widens,,,,",
            "T,TNE,,out,widens,,,,",
            "T,LTR,,both,widens,,,,",
            "G,GRM,,both,none,,,,",
            "x,MTR,,none,none,,,,a mile there",
            "K9,KGM,851,out,widens,,,,",
            system="sea",
        )
    )


def test_each_word_for_a_code_between_two_systems(two_lands):
    proofs = prove_codes("123456", two_lands.compile(DAY), "land", "sea", "unit", contexts={"851"})
    told = [(proof.source, proof.context, proof.target, proof.verdict) for proof in proofs]
    assert told == [
        ("1", "", "K", Verdict.WIDENS),  # comes back the same here, not in the context 851
        ("1", "851", "K9", Verdict.ONE_WAY),
        ("2", "", "T", Verdict.WIDENS),  # comes back as 3
        ("3", "", "T", Verdict.WIDENS),  # comes back the same, and T stands for 2 as well
        ("4", "", "", Verdict.REFUSED),
        ("5", "", "", Verdict.UNMAPPED),
        ("6", "", "G", Verdict.BIJECTIVE),
    ]


def test_the_rows_on_the_way_are_named(two_lands):
    (proof,) = prove_codes(["1"], two_lands.compile(DAY), "land", "sea", "unit")
    assert proof.row == "land/unit/1 sea/unit/K"
    (back,) = prove_codes(["K"], two_lands.compile(DAY), "sea", "traces", "unit")
    assert (back.target, back.verdict, back.reason) == (
        "KGM",
        Verdict.WIDENS,
        "comes back the same, and is declared to lose",
    )


def test_a_code_that_is_left_out_narrows(write):
    tables = load_tables(write("1,,,in,narrows,,,,"))
    (proof,) = prove_codes(["1"], tables.compile(DAY), "land", "traces", "unit")
    assert (proof.verdict, proof.reason) == (Verdict.NARROWS, "left out")


def test_coverage_counts_the_codes_of_a_list(write):
    tables = load_tables(
        write("1,KGM,,both,none,,,,", "2,TNE,,in,widens,,,,", "3,LTR,,out,widens,,,,", "4,MTR,,both,none,,,unverified,")
    )
    index = tables.compile(DAY)
    into, out = index.lookup("land", "traces", "unit"), index.lookup("traces", "land", "unit")
    covered = cover([*UNITS, "ZZZ"], into, out)
    assert (covered.codes, covered.both, covered.inwards, covered.outwards) == (5, 1, 1, 1)
    assert (covered.unverified, covered.unmapped, covered.missing) == (1, 1, ("ZZZ",))


# The tables of this package, all of them.


def test_every_row_that_claims_no_loss_leads_there_and_back_in_every_context(tables, index):
    """Composed from the look-ups alone: nothing of the proof is used."""
    asked = 0
    for lookup in index.lookups.values():
        back = index.lookup(lookup.target, lookup.source, lookup.list)
        places = {"", *(context for _, context in lookup.entries), *(context for _, context in back.entries)}
        for code, _ in lookup.entries:
            for context in places:
                entry = lookup.get(code, context)
                if entry is not None and entry.loss is Loss.NONE:
                    returned = back.get(entry.target, context)
                    assert returned is not None, (lookup.table, code, context, entry.row_id)
                    assert returned.target == code, (lookup.table, code, context, entry.row_id, returned.row_id)
                    asked += 1
    assert asked > 2000


@pytest.mark.parametrize("unconfirmed", [False, True])
def test_the_proof_says_of_every_row_what_the_answers_say(tables, unconfirmed):
    index = tables.compile(DAY, allow_unconfirmed=unconfirmed)
    for code_map in tables.maps:
        into = index.lookup(code_map.system, CANONICAL, code_map.list)
        out = index.lookup(CANONICAL, code_map.system, code_map.list)
        contexts = contexts_of(code_map)
        proofs = prove_rows(code_map.rows, index, code_map.system, code_map.list, contexts=contexts)
        for row, proof in zip(code_map.rows, proofs, strict=True):
            below = [each for each in contexts if row.context in chain(each)]
            chosen = [
                (lookup, known, becomes, context)
                for lookup, known, becomes in ((into, row.code, row.canonical), (out, row.canonical, row.code))
                for context in below
                if known
                and (entry := lookup.get(known, context))
                and (entry.row_id, entry.target or "") == (row.id, becomes)
            ]
            returns = all(
                becomes and (entry := (out if lookup is into else into).get(becomes, context)) and entry.target == known
                for lookup, known, becomes, context in chosen
            )
            match proof.verdict:
                case Verdict.BIJECTIVE:
                    assert (bool(chosen), returns, row.loss) == (True, True, Loss.NONE), proof
                case Verdict.NARROWS | Verdict.WIDENS | Verdict.ONE_WAY:
                    assert chosen, proof
                    assert row.loss is not Loss.NONE, proof
                    assert row.loss != proof.verdict or returns == proof.reason.startswith("comes back the same"), proof
                case Verdict.REFUSED:
                    assert row.direction is Direction.NONE, proof
                    assert not chosen, proof
                case Verdict.UNREACHABLE:
                    assert not chosen, proof
                    assert not row.valid_on(DAY) or (row.grade is Grade.UNVERIFIED and not unconfirmed), proof
                case _:
                    pytest.fail(str(proof))


def test_between_any_two_systems_a_bijective_code_goes_there_and_back(tables, index):
    systems = sorted({code_map.system for code_map in tables.maps})
    asked = 0
    for source, target in permutations(systems, 2):
        lists = {each.list for each in tables.maps if each.system == source}
        for name in sorted(lists & {each.list for each in tables.maps if each.system == target}):
            into, out = index.lookup(source, CANONICAL, name), index.lookup(CANONICAL, target, name)
            back, home = index.lookup(target, CANONICAL, name), index.lookup(CANONICAL, source, name)
            codes = sorted({code for code, _ in into.entries})
            contexts = contexts_of(*(each for each in tables.maps if each.list == name))
            for proof in prove_codes(codes, index, source, target, name, contexts=contexts):
                if proof.verdict is Verdict.BIJECTIVE:
                    there = out.find(into.find(proof.source, proof.context).target, proof.context)
                    assert there.target == proof.target
                    again = home.find(back.find(there.target, proof.context).target, proof.context)
                    assert again.target == proof.source, proof
                    asked += 1
                else:
                    assert proof.verdict is not Verdict.CONTRADICTORY, proof
                    if proof.verdict is Verdict.UNMAPPED:
                        with pytest.raises(TranslationRefused):
                            out.find(into.find(proof.source, proof.context).target, proof.context)
    assert asked > 500
