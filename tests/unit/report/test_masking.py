"""What looks like a secret in an instruction does not get into a report."""

from __future__ import annotations

import pytest

from keelway.report.masking import masked

VALUE = "hunter2hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"ENV DB_PASSWORD={VALUE} A=b",
        f'RUN echo "api-key: {VALUE}" > /etc/x',
        f"RUN pip install --token {VALUE} x",
        f"RUN GITHUB_TOKEN={VALUE} make && echo done",
        f"RUN app --client-secret='{VALUE}'",
        f"RUN git clone https://ci:{VALUE}@example.org/x",
        f"RUN curl -H 'Authorization: Bearer {VALUE}{VALUE}' x",
        f"RUN echo ghp_{VALUE}{VALUE} | gh auth login",
        "RUN echo " + "AKIA" + "IOSFODNN7ABCDEFG # hunter2hunter2"[:16],
    ],
)
def test_values_are_masked(text: str) -> None:
    shown = masked(text)
    assert VALUE not in shown
    assert "AKIAIOSFODNN" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "RUN --mount=type=secret,id=token cat /run/secrets/token && wc -c < /run/secrets/token",
        "COPY credentials.txt /srv/credentials.txt",
        "ARG TOKEN",
        "RUN echo secret",
        "RUN apt-get install --yes --no-install-recommends libsecret-1-0 python3",
    ],
)
def test_what_only_speaks_of_secrets_stays(text: str) -> None:
    assert masked(text) == text
