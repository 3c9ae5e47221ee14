"""Signature Version 4, by Amazon's own example (`get-vanilla` with a query, service `iam`)."""

from __future__ import annotations

from datetime import UTC, datetime

from keelway.secretstores.aws_signature import AwsKeys, signed_headers

KEYS = AwsKeys(key="AKIDEXAMPLE", secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


def test_amazons_own_example_gets_amazons_own_signature() -> None:
    signed = signed_headers(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "host": "iam.amazonaws.com",
        },
        b"",
        keys=KEYS,
        scope=("us-east-1", "iam"),
        at=AT,
    )
    assert signed == {
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    }


def test_keys_that_are_lent_sign_their_token_too() -> None:
    keys = AwsKeys(key="AKIDEXAMPLE", secret="x", session="lent")
    signed = signed_headers(
        "POST", "https://h/", {"host": "h"}, b"{}", keys=keys, scope=("r", "ecr"), at=AT
    )
    assert signed["x-amz-security-token"] == "lent"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in signed["authorization"]
    assert "lent" not in repr(keys)
