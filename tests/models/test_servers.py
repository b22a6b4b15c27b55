"""The models of servers: PHP's against a real PHP, the others against what their sources and documentation say."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.servers import ALL_PARSERS, Pairs, names_seen, php

ReadByPhp = Callable[[bytes], Pairs]

# Writes each string below $_COOKIE as "<key of $_COOKIE> <string>" in hexadecimal, a line each.
SCRIPT = """<?php
foreach ($_COOKIE as $name => $value) {
    $values = [$value];
    array_walk_recursive($values, function ($leaf) use ($name) { echo bin2hex($name) . ' ' . bin2hex($leaf) . "\\n"; });
}
"""


def _pairs(output: bytes) -> Pairs:
    lines = (line.split(b" ") for line in output.splitlines())
    return [(bytes.fromhex(name.decode()), bytes.fromhex(value.decode())) for name, value in lines]


@pytest.fixture(scope="module")
def read_by_php(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadByPhp]:
    """What PHP makes of a Cookie field: php-cgi where there is one, else the server that is built into php."""
    script = tmp_path_factory.mktemp("php") / "index.php"
    script.write_text(SCRIPT)
    if cgi := shutil.which("php-cgi"):
        yield lambda field: _pairs(_run_cgi(cgi, script, field))
    elif cli := shutil.which("php"):
        with socket.create_server(("127.0.0.1", 0)) as chosen:
            port = chosen.getsockname()[1]
        command = [cli, "-n", "-S", f"127.0.0.1:{port}", str(script)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            yield lambda field: _pairs(_ask(port, field))
            server.terminate()
    else:
        pytest.skip("neither php-cgi nor php is installed")


def _run_cgi(cgi: str, script: Path, field: bytes) -> bytes:
    environ = {
        b"HTTP_COOKIE": field,
        b"REDIRECT_STATUS": b"1",
        b"REQUEST_METHOD": b"GET",
        b"SCRIPT_FILENAME": os.fsencode(script),
    }
    output = subprocess.run([cgi, "-n"], env=environ, capture_output=True, check=True).stdout
    return output.partition(b"\r\n\r\n")[2]


def _ask(port: int, field: bytes) -> bytes:
    for attempt in range(100):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            time.sleep(attempt / 1000)
    with connection:
        connection.sendall(b"GET / HTTP/1.0\r\nCookie: " + field + b"\r\n\r\n")
        return connection.makefile("rb").read().partition(b"\r\n\r\n")[2]


PHP_FIELDS = [
    b"a=1; b=2",
    b"a=1; a=2",
    b"a=1;b=2;;c=3;",
    b"a=1;\tb=2; \x0b\x0c b3=3",
    b"_ga",
    b"_ga; b=1",
    b"_ga=",
    b"=x",
    b"==x",
    b"; ;",
    b" =1",
    b"a==b=c",
    b"_ga =1",
    b"_ga\t=1",
    b"_ga ; b",
    b"_ga = 1 ",
    b"a b=1",
    b"a.b=1",
    b".a=1",
    b" . a=1",
    b"a.b.c d=1",
    b"_ga[]=1",
    b"_ga[ ]=1",
    b"_ga[x]=1",
    b"_ga[x][y]=1",
    b"_ga[x]y=1",
    b"_ga[x]y[z]=1",
    b"_ga[x] [y]=1",
    b"_ga[x][=1",
    b"_ga[x][y=1",
    b"_ga[[]=1",
    b"_ga[]]=1",
    b"_ga[x.y z]=1",
    b"_ga[=1",
    b"_ga[x=1",
    b"_ga[x.y z=1",
    b"_ga[x[y=1",
    b"_ga[x[y]=1",
    b"_ga.[x]=1",
    b"_ga [x]=1",
    b"_ga][=1",
    b"[x]=1",
    b" [x]=1",
    b"]a=1",
    b"[=1",
    b"_ga[x]=1; _ga[y]=2",
    b"_ga[x]=1; _ga=2",
    b"_ga=1; _ga[x]=2",
    b"_ga%00x=1",
    b"%5fga=1",
    b"a%20b=1",
    b"a+b=c+d%20e",
    b"_ga=%00%zz%",
    b"__Host-a=1; __Secure-b=2",
    b"..Host-a=1; ._Host-b=2; .Secure-c=3; _.Secure-d=4",
    b"_[Host-a=1; [_Host-b=1",
    b"__host-a=1; .host-b=2",
    b'a="x; _ga=9"',
    b'a="x"; _ga=9',
    b"a=1, _ga=2",
    b"$Version=1; a=1; $Path=/",
    b"\xa0_ga=1; \x85b=2",
    b"\xc2\xa0_ga=1",
    b"\xef\xbb\xbf_ga=1",
    b"_g\xc3\xa9=\xe9",
    b"GLOBALS=1; this=2; 0=3; 1.5=4",
    b"a&b=1&c=2",
    b"\x01a=\x01",
]


def _agree(field: bytes, real: Pairs) -> None:
    """PHP keeps one of two namesakes, the model lists both."""
    modelled = php(field)
    assert {name for name, _ in modelled} == {name for name, _ in real}
    assert set(real) <= set(modelled)


@pytest.mark.parametrize("field", PHP_FIELDS, ids=repr)
def test_the_model_of_php_reads_what_php_reads(read_by_php: ReadByPhp, field: bytes) -> None:
    _agree(field, read_by_php(field))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.lists(
        st.sampled_from([b"_ga", b"a", b"=", b";", b" ", b".", b"[", b"]", b"..Host-", b"%5f", b"+", b"\xa0"])
    )
)
def test_the_model_of_php_reads_any_field_as_php_does(read_by_php: ReadByPhp, field: list[bytes]) -> None:
    _agree(b"".join(field), read_by_php(b"".join(field)))


ALL = frozenset(ALL_PARSERS)
ASPNET_CORE = {"aspnet_core", "aspnet_core_decoding_names"}
DJANGO = {"django_wsgi", "django_asgi"}
GO = {"go", "go_unicode_space"}
JETTY_12 = {"jetty_12", "jetty_12_legacy"}
OLD_NODE = {"node_cookie_0", "node_cookie_0_1"}
PERL = {"perl_cgi", "perl_cgi_raw"}
PHP = {"php", "php_decoding_names"}
RACK = {"rack", "rack_decoding_names"}
TOMCAT = {"tomcat", "tomcat_rfc6265"}
TOMCAT_LEGACY = {"tomcat_legacy", "tomcat_legacy_name_only"}
UNDERTOW = {"undertow", "undertow_commas"}
WERKZEUG = {"werkzeug", "werkzeug_sansio"}
COMMAS = {
    *ASPNET_CORE, *PERL, *TOMCAT_LEGACY, "jetty_12_legacy", "jetty_cookie_cutter_commas", "nginx", "node_cookie_0_1",
    "rack_decoding_names", "undertow_commas",
}  # fmt: skip
LATIN_1_SPACE = {*ASPNET_CORE, *OLD_NODE, "django_asgi", "starlette", "system_web"}
UNICODE_SPACE = {*ASPNET_CORE, "django_wsgi", "go_unicode_space", "system_web"}

BEYOND_A_PLAIN_SPLIT = {
    # a comma
    b"a=1,_ga=2": COMMAS,
    b"a=1, _ga=2": COMMAS | {"simple_cookie"},
    b"a=1 , _ga=2": COMMAS,
    b"a , _ga=2": COMMAS - {"jetty_cookie_cutter_commas"} | {"jetty_12"},
    b"$Version=1; a=1, _ga=2": COMMAS | {"simple_cookie", "tomcat"},
    b'$Version="0", a=1,_ga=2': COMMAS | {"tomcat"},
    b",_ga=2": COMMAS - JETTY_12 - {"jetty_cookie_cutter_commas"} | {"netty"},
    b"a=1;,_ga=2": COMMAS - JETTY_12 - {"jetty_cookie_cutter_commas"} | {"netty"},
    # a pair that has already ended
    b"sid=1 _ga=2": ASPNET_CORE | {"simple_cookie"},
    b"sid _ga=2": ASPNET_CORE,
    b'a="x" _ga=2': ASPNET_CORE | UNDERTOW | {"simple_cookie"},
    b'a="x"_ga=2': ASPNET_CORE | UNDERTOW,
    b'a="x; y"_ga=2': ASPNET_CORE | UNDERTOW,
    # octets that are in no token
    b"@_ga=2": ASPNET_CORE | TOMCAT_LEGACY,
    b"(_ga=2": ASPNET_CORE | TOMCAT_LEGACY,
    b'"_ga=2': ASPNET_CORE | TOMCAT_LEGACY,
    b"=_ga=2": ASPNET_CORE | TOMCAT_LEGACY,
    b"sid@_ga=2": ASPNET_CORE,
    b'sid={"_ga=2': ASPNET_CORE,
    b"\xc3\xa9_ga=2": ASPNET_CORE,
    b"_ga@x=2": {"tomcat_legacy_name_only"},
    # white space other than SP and HTAB, in front of the name or behind it
    b"\x0b_ga=1": LATIN_1_SPACE | DJANGO | PHP | PERL | {"go_unicode_space", "netty", "simple_cookie"},
    b"\r_ga=1": LATIN_1_SPACE | DJANGO | PHP | PERL | GO | {"netty", "simple_cookie"},
    b"\x1f_ga=1": ASPNET_CORE | DJANGO | {"netty", "starlette"},
    b"\x01_ga=1": ASPNET_CORE | {"netty"},
    b"\xa0_ga=1": LATIN_1_SPACE,
    b"\x85_ga=1": LATIN_1_SPACE - OLD_NODE,
    b"\xc2\xa0_ga=1": UNICODE_SPACE,
    b"\xe2\x80\x83_ga=1": UNICODE_SPACE,
    b"_ga\xa0=1": LATIN_1_SPACE - ASPNET_CORE - {"system_web"},
    b"_ga\xc2\xa0=1": {"django_wsgi"},
    b"_ga\x0c=1": OLD_NODE | DJANGO | {"netty", "simple_cookie", "starlette"},
    # names that are decoded
    b"%5fga=1": {"aspnet_core_decoding_names", "perl_cgi", "php_decoding_names", "rack_decoding_names"},
    b"%u005fga=1": {"perl_cgi"},
    b"+_ga=1": {"php_decoding_names"},
    b"_ga%00x=1": {"php_decoding_names"},
    b"_ga%5bx]=1": {"php_decoding_names"},
    # names that are mangled
    b"_ga[x]=1": PHP | {"tomcat_legacy_name_only"},
    b"_ga[x]y=1": PHP | {"tomcat_legacy_name_only"},
    b".ga=1": PHP,
    b" .ga=1": PHP,
}


def _who_sees(name: bytes, field: bytes) -> set[str]:
    return {server for server, names in names_seen(field).items() if name in names}


@pytest.mark.parametrize("field", BEYOND_A_PLAIN_SPLIT, ids=repr)
def test_these_servers_see_a_name_that_a_plain_split_does_not(field: bytes) -> None:
    plainly = {pair.partition(b"=")[0].strip(b" \t") for pair in field.split(b";")}
    assert b"_ga" not in plainly
    assert _who_sees(b"_ga", field) == BEYOND_A_PLAIN_SPLIT[field]


BLIND_TO_A_PLAIN_PAIR = {
    b"_ga=1": set(),
    b"a=1; _ga=2": set(),
    b"a=1;_ga=2": set(),
    b"a=1;\t_ga=2": {"nginx", *RACK},
    b"$Version=1; _ga=2": set(),
    b"_ga=": {"tomcat_legacy"},
    b"_ga =1": {*ASPNET_CORE, *PERL, *PHP, *RACK, *UNDERTOW, "system_web"},
    b"_ga": {
        *ASPNET_CORE, *DJANGO, *JETTY_12, *OLD_NODE, *UNDERTOW, "jetty_cookie_cutter", "jetty_cookie_cutter_commas",
        "netty", "nginx", "node_cookie_1", "perl_cgi", "simple_cookie", "starlette", "tomcat_legacy",
    },
    # quotations that hide a semicolon
    b'a="x; _ga=9"': {
        *ASPNET_CORE, *GO, *JETTY_12, *TOMCAT, *TOMCAT_LEGACY, *UNDERTOW, *WERKZEUG, "jetty_cookie_cutter",
        "jetty_cookie_cutter_commas", "simple_cookie",
    },
    b'a="x; _ga=9': {*JETTY_12, *TOMCAT_LEGACY, "jetty_cookie_cutter", "jetty_cookie_cutter_commas", "simple_cookie"},
    b'a="x"y; _ga=9': {"jetty_cookie_cutter", "jetty_cookie_cutter_commas", "simple_cookie"},
    b'a={"x":1}; _ga=9': {"simple_cookie"},
    b"_ga=9; a=\xff": {"werkzeug"},
    b"\xff; _ga=9": {*TOMCAT_LEGACY, "simple_cookie", "werkzeug"},
}  # fmt: skip


@pytest.mark.parametrize("field", BLIND_TO_A_PLAIN_PAIR, ids=repr)
def test_these_servers_do_not_see_a_name_that_a_plain_split_does(field: bytes) -> None:
    assert ALL - _who_sees(b"_ga", field) == BLIND_TO_A_PLAIN_PAIR[field]


NOT_FOR_NET = b'ipt={"v":{"L":3},"pt":{"d":3},ct":{},"_t":44,"_v":"2"}'
RFC_2965 = b'$Version="1"; a="b"; $Path="/acme"; c="d", $Version="1"; e=f; $Domain=".x.edu"'


@pytest.mark.parametrize(
    ("server", "field", "pairs"),
    [
        # what the servers' own suites hold them to
        ("aspnet_core", NOT_FOR_NET + b"; name1=n1=v1&n2=v2", {b"name1": b"n1=v1&n2=v2"}),
        ("aspnet_core", b"name2=value2," + NOT_FOR_NET, {b"name2": b"value2"}),
        ("aspnet_core", NOT_FOR_NET, {}),
        ("aspnet_core", b" , ;", {}),
        ("tomcat_rfc6265", b"foo=;a=b; ;", {b"foo": b"", b"a": b"b"}),
        ("tomcat_rfc6265", b"foo;a=b;;#;bar=rab", {b"foo": b"", b"a": b"b", b"#": b"", b"bar": b"rab"}),
        ("tomcat_rfc6265", b'a="b"x;foo=bar', {b"foo": b"bar"}),
        ("tomcat_rfc6265", b'a=()<>@:\\"/[]?={}\t; foo=bar', {b"foo": b"bar"}),
        ("tomcat_rfc6265", b"f\xc3\xb6o=bar", {}),
        ("tomcat_rfc6265", b"foo=b\xc3\xa1r", {b"foo": b"b\xc3\xa1r"}),
        ("tomcat_rfc6265", b"foo=b\x08r; a=b", {b"a": b"b"}),
        ("tomcat_rfc6265", b'{"a":true, "b":false};a=b', {b"a": b"b"}),
        ("tomcat_rfc6265", b"$Version=1;x\tx=yyy,foo=bar;a=b", {b"$Version": b"1", b"a": b"b"}),
        ("tomcat", b"$Version=1;x\tx=yyy,foo=bar;a=b", {b"foo": b"bar", b"a": b"b"}),
        ("tomcat", b'$Version=1;foo="b\\"ar";a=b', {b"foo": b'b\\"ar', b"a": b"b"}),
        ("tomcat", b'$Version=1;foo="b"ar";a=b', {b"a": b"b"}),
        ("tomcat", b"$Version=1;foo=bar;$Domain=apache.org;a=b", {b"foo": b"bar", b"a": b"b"}),
        ("tomcat", b"$Version=1;foo=bar;$Path=/x/y;a=b", {b"foo": b"bar", b"a": b"b"}),
        ("tomcat", b"$Version=2;foo=bar", {}),
        ("tomcat", b"$Version;foo=bar", {b"$Version": b"", b"foo": b"bar"}),
        ("tomcat_legacy", b'foo=bar; $Path=/; a="b; c=d", e=f', {b"foo": b"bar", b"a": b"b; c=d", b"e": b"f"}),
        ("tomcat_legacy", b"foo=bar=baz; a=(b; c=d", {b"foo": b"bar", b"c": b"d"}),
        ("jetty_cookie_cutter", b"abc = e f g ", {b"abc": b"e f g"}),
        ("jetty_cookie_cutter", b'foo="bar"-"baz"', {b"foo": b'bar"-"baz'}),
        ("jetty_cookie_cutter", b'query="?b=c"&"d=e"', {b"query": b'?b=c"&"d=e'}),
        ("jetty_cookie_cutter", b'x="abc $Path=/', {b"x": b'"abc $Path=/'}),
        ("jetty_cookie_cutter", b"name=foo , bar, bob", {b"name": b"foo , bar, bob"}),
        ("jetty_cookie_cutter", b"foo=bar;baz", {b"foo": b"bar"}),
        ("jetty_cookie_cutter_commas", RFC_2965, {b"a": b"b", b"c": b"d", b"e": b"f"}),
        ("jetty_12_legacy", RFC_2965, {b"a": b"b", b"c": b"d", b"e": b"f"}),
        ("jetty_12_legacy", b'A=", ;"', {b"A": b", ;"}),
        ("jetty_12_legacy", b'A="double\\"quote"', {b"A": b'double"quote'}),
        ("jetty_12", RFC_2965, {b"$Version": b"1", b"a": b"b", b"$Path": b"/acme", b"e": b"f", b"$Domain": b".x.edu"}),
        ("jetty_12", b'"a"=bcd', {}),
        ("jetty_12", b"abc = x  y  z ", {b"abc": b"x  y  z"}),
        ("jetty_12", b"abc=a;x b:y c;z", {b"abc": b"a"}),
        ("jetty_12", b'abc= "x" ; ', {b"abc": b"x"}),
        ("jetty_12", b'A="1; B=2"; C=3', {b"C": b"3"}),
        ("jetty_12", b'A="1; B=2; C=3', {}),
        ("undertow", b'a="x\\"y"; $Version="1"; b="z\\\\"', {b"a": b'x\\"y', b"$Version": b"1", b"b": b"z\\\\"}),
        ("undertow_commas", b'a="b"; c="X; d=e', {b"a": b"b", b"d": b"e"}),
        ("undertow", b"a=WILE_E COYOTE; b=x:y", {b"a": b"WILE_E", b"b": b"x:y"}),
        ("netty", b"$Version=1; $Path=/; a=b; c", {b"a": b"b"}),
        ("netty", b'a="b"; c="d', {b"a": b"b"}),
        ("go", b'a="b"; c=d"; e f=g; h=\xe9', {b"a": b"b"}),
        ("rack", b"a=b%20c+d; e=%; f", {b"a": b"b c d", b"e": b"%", b"f": b""}),
        ("perl_cgi_raw", b"a=b=c; d", {b"a": b"b", b"d": b""}),
        ("system_web", b"a=b&c=d; $Path=/; e&f=g; h", {b"a": b"b&c=d", b"": b"e&f=g", b"h": b""}),
        ("node_cookie_1", b"a=%20b ; c", {b"a": b" b"}),
    ],
)
def test_a_server_reads_these_pairs(server: str, field: bytes, pairs: dict[bytes, bytes]) -> None:
    assert dict(ALL_PARSERS[server](field)) == pairs


@given(field=st.binary(max_size=40) | st.text(alphabet='_ga=;, "\\$[].%@\t', max_size=30).map(str.encode))
def test_every_reader_takes_any_octets(field: bytes) -> None:
    for parse in ALL_PARSERS.values():
        for name, value in parse(field):
            assert isinstance(name, bytes)
            assert isinstance(value, bytes)
