"""The file of claims: what it may hold, and the sentence where it holds something else."""

import datetime
import shutil

import pytest
import yaml

from helpers import UserError
from helpers.claims.statements import CLAIMS, claim, load_claims, load_rules
from helpers.trials.studies import STUDIES as SINGLE

STUDIES = SINGLE | {"domains": SINGLE["domains_rec-talk"]}  # all pairs, judged together


def changed(tmp_path, change):
    """The project's file with one change."""
    content = yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))
    change(content)
    place = tmp_path / "claims.yaml"
    place.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return place


def of(content, name):
    return next(each for each in content["claims"] if each["id"] == name)


DOCUMENTS = [f"C{i:02d}" for i in range(1, 21)]
"""The claims of the document; whoever adds one of their own changes nothing here."""


def test_all_twenty_claims_are_there_with_a_reading():
    assert list(load_claims())[:20] == DOCUMENTS
    assert all(each.reading.endswith(".") for each in load_claims().values())


def test_every_study_and_arm_of_a_rule_is_one_that_is_run():
    rules = load_rules()
    assert rules.studies.keys() <= STUDIES.keys()
    for name, rule in rules.studies.items():
        assert rule.floor in STUDIES[name].arms
    pieces = [piece for each in rules.claims for piece in each.pieces]
    assert pieces
    for piece in pieces:
        asked = STUDIES[piece.study]
        wrong = {f"{arm}_wrong" for arm in asked.arms if asked.wrong_labels}
        assert {piece.arm, *piece.than} <= {*asked.arms} | wrong and piece.labels in asked.labels
        assert piece.draws <= asked.draws


def test_a_changed_rule_keeps_its_old_wording_with_date_and_reason():
    for each in load_claims().values():
        assert each.earlier or each.id not in DOCUMENTS, each.id
        for earlier in each.earlier:
            assert earlier.rule and earlier.reason and earlier.until >= datetime.date(2026, 11, 27)


def test_a_claim_asks_no_question_twice():
    for each in load_claims().values():
        if each.combine == "telling":  # all its comparisons are one question
            continue
        asked = [(p.task, p.arm, p.than, p.labels, p.measure) for p in each.pieces]
        assert len(asked) == len(set(asked)), each.id


def test_c10_compares_the_pairs_that_other_claims_name():
    def pairs(pieces):
        return {(piece.study, piece.arm, *piece.than) for piece in pieces}

    claims = load_claims()
    ours = claims["C10"].pieces
    studies = {piece.study for piece in ours}
    others = [
        piece.model_copy(update={"than": (than,)})
        for name, each in claims.items()
        for piece in each.pieces
        for than in piece.than
        if name != "C10" and name in DOCUMENTS and piece.study in studies
    ]
    assert studies == {"topics", "news"} and pairs(ours) == pairs(others)
    assert {piece.measures for piece in ours} == {("accuracy", "precision", "recall", "f1")}
    assert len({(p.study, p.arm, p.than, p.labels) for p in ours}) == len(ours)


def test_a_piece_takes_the_defaults_that_it_does_not_name(tmp_path):
    place = changed(tmp_path, lambda c: of(c, "C02")["pieces"][0].update(smallest=0.05, draws=3))
    first, second = load_rules(place).claims[1].pieces[:2]
    assert (first.smallest, first.draws) == (0.05, 3)
    assert (second.smallest, second.draws) == (0.01, 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: of(c, "C02")["pieces"][0].update(study="topcis"),
            "C02 names the study 'topcis', which is not among the studies. Did you mean 'topics'?",
        ),
        (
            lambda c: of(c, "C02")["pieces"][0].update(smallest=0),
            "claims.1.pieces.0.smallest: Input should be greater than 0.",
        ),
        (
            lambda c: of(c, "C02")["pieces"][0].update(gain="helps"),
            "claims.1.pieces.0.gain: Input should be 'supports' or 'contradicts'.",
        ),
        (
            lambda c: of(c, "C02").update(rule="above 0"),
            "claims.1.rule: Extra inputs are not permitted.",
        ),
        (
            lambda c: of(c, "C15")["pieces"][0].pop("of"),
            "claims.14.pieces.0: the piece of 'int8' names keeps alone; keeps and of go together.",
        ),
        (lambda c: c.pop("studies"), "studies: Field required."),
        (
            lambda c: of(c, "C10")["pieces"][0].update(measures=["f1"]),
            "claims.9.pieces.0: measures are at least two, held against each other on one pair of "
            "arms: one name in than.",
        ),
        (
            lambda c: of(c, "C10")["pieces"][0].update(than=["tfidf", "from_scratch"]),
            "claims.9.pieces.0: measures are at least two, held against each other on one pair of "
            "arms: one name in than.",
        ),
        (
            lambda c: of(c, "C10")["pieces"][0].update(gain="contradicts"),
            "claims.9.pieces.0: measures agree whichever arm is better: no gain and no cheaper.",
        ),
        (
            lambda c: of(c, "C10").update(combine="each"),
            "claims.9: combine: telling goes with pieces that name measures, all of them.",
        ),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, change, message):
    place = changed(tmp_path, change)
    with pytest.raises(UserError) as caught:
        load_rules(place)
    assert str(caught.value).startswith(f"{place} holds no rules of claims: ")
    assert str(caught.value).endswith(message)


def test_no_file_and_no_yaml_are_sentences(tmp_path):
    with pytest.raises(UserError, match=r"holds no rules of claims: .*No such file"):
        load_rules(tmp_path / "none.yaml")
    place = tmp_path / "bad.yaml"
    shutil.copy(CLAIMS, place)
    place.write_text("claims: [", encoding="utf-8")
    with pytest.raises(UserError, match="holds no rules of claims: "):
        load_rules(place)


def test_an_unknown_claim_is_named():
    with pytest.raises(UserError, match=r"no claim 'C99' in data/claims.yaml"):
        claim("C99")


def test_a_piece_that_keeps_a_share_says_so_and_asks_for_three_arms():
    first = claim("C15").pieces[0]
    assert first.arms == ("int8", "from_scratch", "uncompressed")
    assert first.question == (
        "topics, int8, 256 labels: int8 keeps 0.9 of uncompressed − from scratch"
    )
