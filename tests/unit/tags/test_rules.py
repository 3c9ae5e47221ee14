"""Tag rules: what is understood, and what is refused with which words."""

import pytest

from keelway.tags.rules import DEFAULT_PRIORITY, RuleError, parse_rule


@pytest.mark.parametrize(
    ("text", "kind", "priority", "prefix"),
    [
        ("type=sha", "sha", 100, "sha-"),
        ("type=sha,prefix=", "sha", 100, ""),
        ("type=ref,event=branch", "ref", 600, None),
        ("type=ref,event=pr", "ref", 600, "pr-"),
        ("type=schedule", "schedule", 1000, None),
        ("type=pep440,pattern={{version}}", "pep440", 900, None),
        ("type=match,pattern=v(.*)", "match", 800, None),
        ("type=edge", "edge", 700, None),
        ("type=semver,pattern={{version}}", "semver", 900, None),
        ("type=raw,value=demo", "raw", 200, None),
        ("type=raw,value=demo,priority=950", "raw", 950, None),
        ("type=raw, value=demo , prefix=a-", "raw", 200, "a-"),
    ],
)
def test_reads_rules_with_their_defaults(
    text: str, kind: str, priority: int, prefix: str | None
) -> None:
    rule = parse_rule(text)
    assert (rule.kind, rule.priority, rule.prefix) == (kind, priority, prefix)


def test_a_rule_without_type_is_a_raw_value() -> None:
    assert parse_rule("demo") == parse_rule("demo")
    assert (parse_rule("demo").kind, parse_rule("demo").value) == ("raw", "demo")


def test_a_quoted_field_may_hold_a_comma_and_a_value_an_equals_sign() -> None:
    rule = parse_rule('type=semver,"pattern={{version}}","match=v(1{1,3}=?.*)"')
    assert rule.match == "v(1{1,3}=?.*)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "type=sah",
            "unknown type 'sah'. Did you mean 'sha'? Known: edge, match, pep440, raw, ref, ",
        ),
        ("type=shedule", "unknown type 'shedule'. Did you mean 'schedule'?"),
        ("type=ref", "type=ref needs event=..."),
        ("type=ref,event=pull", "unknown event 'pull'. Known: branch, pr, tag"),
        ("type=ref,event=branhc", "unknown event 'branhc'. Did you mean 'branch'?"),
        ("type=semver", "type=semver needs pattern=..."),
        ("type=raw", "type=raw needs value=..."),
        ("type=sha,format=tiny", "unknown format 'tiny'. Known: long, short"),
        ("type=sha,prefex=a", "unknown attribute of type=sha 'prefex'. Did you mean 'prefix'?"),
        ("type=sha,pattern=x", "unknown attribute of type=sha 'pattern'."),
        ("type=sha,enable=yes", "enable takes true or false, not 'yes'"),
        ("type=sha,priority=high", "priority takes a whole number, not 'high'"),
        ("type=semver,pattern={{verison}}", "Did you mean 'version'?"),
        ("type=raw,value={{dat 'YYYY'}}", "unknown expression in value of type=raw 'dat'. Did you"),
        ("type=raw,value={{date}}", "{{date}} takes a format and a time zone"),
        ("type=raw,value={{date 'YYYY' zone='UTC'}}", "takes a format and a time zone"),
        ("type=raw,value={{date 'YYYY' tz='Mars/Olympus'}}", "unknown time zone 'Mars/Olympus'"),
        ("type=raw,value={{sha 'x'}}", "{{sha}} takes nothing after its name"),
        ("type=raw,value=x,enable={{is_branch main}}", "put the name in quotes"),
        ("type=raw,value={{branch}", "an expression that is not closed"),
        ("type=raw,value={{branch | upper}}", "takes nothing after its name"),
        ("type=raw,value={{'a' =}}", "cannot be read"),
        ("type=sha,enable=${{ github.ref == 'x' }}", "an expression of GitHub's own"),
        ("type=match,pattern=v(", "pattern is no regular expression"),
        ("type=match,pattern=/v/q", "unknown flag 'q'"),
        ("type=match,pattern=v,group=one", "group takes a whole number, not 'one'"),
        ("type=match", "type=match needs pattern=..."),
        ("type=pep440", "type=pep440 needs pattern=..."),
        ("type=semver,pattern={{raw}},match=(", "match is no regular expression"),
        ("type=semver,pattern={{raw}},match=v.*", "has no group"),
        ("", "a tag rule is empty"),
    ],
)
def test_refuses_what_it_does_not_know(text: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(text)
    assert words in str(caught.value)


def test_priorities_are_those_of_metadata_action() -> None:
    assert dict(DEFAULT_PRIORITY) == {
        "schedule": 1000,
        "semver": 900,
        "pep440": 900,
        "match": 800,
        "edge": 700,
        "ref": 600,
        "raw": 200,
        "sha": 100,
    }
