"""Where a client wants the service to call."""

import re
from urllib.parse import urlsplit

from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_text
from waybill.outbound import OutboundPolicy, OutboundRefused

_SECRET = "hush-5ecret"
_POLICY = OutboundPolicy.parse(
    ("example.com", "*.example.org:8443", "http://[::1]:8080", "10.0.0.1"),
    hosts_setting="HOSTS",
    networks_setting="NETWORKS",
)
_ALLOWED = re.compile(
    r"https://(example\.com|10\.0\.0\.1)|https://[^/?#@:]*\.example\.org:8443|http://\[::1\]:8080"
)
_URLS = (
    f"https://example.com/hook?token={_SECRET}",
    f"https://a.b.example.org:8443/{_SECRET}",
    f"http://[::1]:8080/?{_SECRET}",
    f"https://user:{_SECRET}@example.com/",
    f"https://10.0.0.1/{_SECRET}",
    "https://example.com.evil.test/",
    "https://evil.test#@example.com/",
)


def read_a_url(choices: Choices) -> bool:
    """One that is allowed leads to a listed host, as another reader of URLs has it too; a refusal repeats
    nothing but the host."""
    url = mutated_text(choices, choices.one(_URLS))
    try:
        allowed = str(_POLICY.check(url))
    except OutboundRefused as error:
        assert "token=" not in str(error)
        return False
    parts = urlsplit(allowed)
    assert _ALLOWED.fullmatch(f"{parts.scheme}://{parts.netloc}"), allowed
    assert str(_POLICY.check(allowed)) == allowed
    return True
