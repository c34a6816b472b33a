"""The command line: exit code 2, one line on stderr, nothing on stdout, nothing half-written."""

import pytest

from helpers.__main__ import main

SAMPLE = "data/sample/messages.csv"

CASES = [
    (["run", "0"], "'0' may mean 00_start_here or 01_derivation or 02_linear_transfer or"),
    (["run", "bert"], "There is no notebook 'bert'."),
    (["run", "06", "-p", "labels", "[0]"], "06_bert_finetuning: labels must hold numbers in [2, inf), not 0."),
    (["run", "6"], "There is no notebook '6'. Did you mean '06'?"),
    (["run", "06", "-p", "device", "gpu"], "06_bert_finetuning: device must be one of auto, cpu, cuda, mps, not 'gpu'. Did you mean 'cuda'?"),
    (["sweep", SAMPLE], "data/sample/messages.csv is a file of texts by its ending, not a grid; a grid is a YAML file, as `python -m helpers sweep --help` shows."),
    (["sweep", "mine.csv.gz"], "mine.csv.gz is a file of texts by its ending, not a grid; a grid is a YAML file, as"),
    (["pipeline", "--grid", "/"], "Cannot read /: Is a directory."),
    (["report", "--grid", "/nowhere.yaml"], "There is no file /nowhere.yaml."),
    (["sweep", "/nowhere.yaml"], "There is no file /nowhere.yaml."),
    (["assess", "/nowhere.csv"], "There is no file /nowhere.csv."),
    (["assess", "reuters-r9"], "There is no file reuters-r9. Did you mean 'reuters-r8'?"),
    (["assess", SAMPLE, "--minutes", "-1"], "16_your_data: minutes must be in (0, inf), not -1.0."),
    (["assess", SAMPLE, "-p", "minutes", "0"], "16_your_data: minutes must be in (0, inf), not 0.0."),
    (["assess", SAMPLE, "-p", "modles", "minilm"], "16_your_data has no parameter 'modles'. Did you mean 'models'?"),
    (["assess", SAMPLE, "--test", "/nowhere.csv"], "There is no file /nowhere.csv."),
    (["assess", SAMPLE, "--text", "bod"], "messages.csv has no text column 'bod'; its columns are text, label, domain (name one of them with --text)."),
    (["assess", SAMPLE, "--label", "lable"], "messages.csv has no label column 'lable'; its columns are text, label, domain (name one of them with --label)."),
    (["assess", SAMPLE, "--text", "text", "titel"], "messages.csv has no text column 'text titel'; its columns are text, label, domain (name one of them with --text)."),
    (["assess", "--text", "text", "titel", SAMPLE], "messages.csv has no text column 'text titel'; its columns are"),
    (["assess", SAMPLE, "--domain", "shop"], "messages.csv has no domain column 'shop'; its columns are text, label, domain."),
    (["assess", SAMPLE, "--unlabelled", "README.md"], "README.md does not end with one of .arrow, .bio, .conll, .csv"),
    (["assess", SAMPLE, "--out", "/dev/null/x"], "Cannot write to /dev/null/x: Not a directory."),
    (["predict", "/nowhere", SAMPLE], "There is no folder /nowhere."),
    (["predict", "data", SAMPLE], "data is no model that `assess` has delivered: it holds no delivery.json."),
    (["predict", "data", "/nowhere.csv"], "There is no file /nowhere.csv."),
    (["predict", "data", "README.md"], "README.md does not end with one of .arrow"),
    (["predict", "data", SAMPLE, "--threshold", "2"], "threshold must be in [0, 1], not 2."),
    (["predict", "data", SAMPLE, "--out", SAMPLE], "data/sample/messages.csv is the file of texts itself; name"),
    (["predict", "data", SAMPLE, "--out", "x.txt"], "x.txt does not end with one of .csv, .jsonl, .jsonl.gz"),
    (["compare", SAMPLE, "README.md"], "README.md does not end with one of .arrow"),
    (["compare", SAMPLE, SAMPLE], "data/sample/messages.csv and data/sample/messages.csv hold the same: a system cannot"),
    (["compare", SAMPLE, "data/sample/unlabelled.csv"], "Name the file of true classes with --truth; only two sample logs of lm-eval need none."),
    (["compare", SAMPLE, "data/sample/unlabelled.csv", "--truth", SAMPLE], "unlabelled.csv has no column of predictions 'predicted_label'; its columns are text (name one of them with --prediction)."),
    (["export", "/nowhere"], "There is no folder /nowhere."),
    (["export", "data"], "data is no model that `assess` has delivered: it holds no delivery.json."),
    (["notebooks", "99"], "There is no notebook '99'."),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), CASES, ids=[" ".join(w) for w, _ in CASES])
def test_a_mistake_is_one_line_and_exit_code_2(words, says, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    last = err.splitlines()[-1]
    assert last.startswith(f"error: {says}") and out == ""
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words", [[], ["fly"], ["run"], ["run", "06", "-p", "labels"], ["data", "x"]]
)
def test_words_that_are_no_command_show_the_usage(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m helpers")


@pytest.mark.parametrize("command", ["run", "pipeline", "sweep", "assess", "predict", "compare", "export", "notebooks", "report", "models", "sources", "data"])  # fmt: skip
def test_every_command_has_a_help_that_says_what_it_does(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0 and len(text.split("\n\n")[1].split()) > 8
