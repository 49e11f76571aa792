"""The JSON Schema: well formed, complete, and agreeing with the example and the loader."""

import json
import re
from pathlib import Path

import pytest
import yaml

from relay.config import example, schema
from relay.config.loader import read
from relay.model.settings import Settings


def fits(value, form, definitions):  # noqa: C901, PLR0911 - one case per keyword
    """Check a value against the few keywords that the schema uses."""
    known = {
        "$schema", "$defs", "title", "description", "type", "properties", "required", "anyOf",
        "additionalProperties", "items", "minItems", "pattern", "enum", "const", "$ref",
        "minimum", "maximum", "exclusiveMinimum", "minLength",
    }  # fmt: skip
    assert set(form) <= known, set(form) - known
    if "$ref" in form:
        return fits(value, definitions[form["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in form:
        return any(fits(value, part, definitions) for part in form["anyOf"])
    if "enum" in form:
        return value in form["enum"]
    if "const" in form:
        return value == form["const"] and not isinstance(value, bool)
    match form["type"]:
        case "object":
            return isinstance(value, dict) and fits_object(value, form, definitions)
        case "array":
            return isinstance(value, list) and (
                len(value) >= form.get("minItems", 0)
                and all(fits(item, form["items"], definitions) for item in value)
            )
        case "string":
            return isinstance(value, str) and bool(re.search(form.get("pattern", ""), value))
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer" | "number":
            return (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and form.get("minimum", value) <= value <= form.get("maximum", value)
                and value > form.get("exclusiveMinimum", value - 1)
            )
    raise AssertionError(form)


def fits_object(value, form, definitions):
    properties = form.get("properties", {})
    others = form["additionalProperties"]
    return set(form.get("required", ())) <= set(value) and all(
        fits(inner, properties[key], definitions)
        if key in properties
        else others is not False and fits(inner, others, definitions)
        for key, inner in value.items()
    )


class Yaml12(yaml.SafeLoader):
    """Reads `off` as a word, as editors with YAML 1.2 do."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the attribute is the library's
        first: [(tag, regexp) for tag, regexp in rules if not tag.endswith((":bool", ":timestamp"))]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))


def test_it_is_json_and_every_reference_leads_somewhere():
    text = json.dumps(schema())
    names = set(re.findall(r'"#/\$defs/(\w+)"', text))
    assert names
    assert names == set(schema()["$defs"])


def test_the_example_fits_with_every_option_set():
    every = re.sub(r"(?m)^( *)#(?=- |[a-z])", r"\1", example())
    data = yaml.load(every, Yaml12)
    made = schema()
    for key, value in data.items():  # one by one, so that a failure names its option
        assert fits(value, made["properties"][key], made["$defs"]), key
    assert fits(data, made, made["$defs"])


BASE = 'listeners: [{bind: "127.0.0.1:1025", tls: off, auth: off}]\nroutes: {default: {region: eu-west-1}}\n'  # noqa: E501 - one document


@pytest.mark.parametrize(
    "text",
    [
        "queue: {wait: 5s, store: none}",
        "queue: {wait: 0}",
        "queue: {wait: 5}",
        "queue: {max_size: 10MB}",
        "workers: 2",
        "workers: many",
        'workers: "${N:-2}"',
        "bounces: {to: off}",
        "bounces: {to: a@example.com, from: b@example.com}",
        "http: {token: {file: 5}}",
        "log: {level: loud}",
        "suppression: {enabled: true, soft_bounces: 3}",
        "suppression: {soft_bounces: -1}",
        "unknown: 1",
        'users: [{name: a, password: {secret: b}, senders: "*"}]',
        "users: [{name: a, password: [b], senders: []}]",
    ],
)
def test_schema_and_loader_agree(text):
    loader = isinstance(read((BASE + text).encode(), Path("/n/c.yaml"), {}), Settings)
    data = yaml.load(BASE + text, Yaml12)
    assert fits(data, schema(), schema()["$defs"]) is loader
