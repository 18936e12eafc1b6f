"""Holds specs against the schema with Python's jsonschema: an independent reader of specs/strata.schema.json.

    python3 validate_specs.py SCHEMA < TEXTS

TEXTS is a JSON array of YAML texts; prints a line for each: ok, refused, or unreadable (no YAML).
"""
import json
import re
import sys

import jsonschema
import yaml


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema, which Strata reads: 5e-4 is a number, yes and no are words."""

    yaml_implicit_resolvers = {}


def resolve(tag, pattern):
    CoreLoader.add_implicit_resolver(tag, re.compile(pattern), None)


resolve("tag:yaml.org,2002:null", r"^(null|Null|NULL|~|)$")
resolve("tag:yaml.org,2002:bool", r"^(true|True|TRUE|false|False|FALSE)$")
resolve("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$")
resolve("tag:yaml.org,2002:float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")


def verdict(text, validator):
    try:
        document = yaml.load(text, CoreLoader)
    except (yaml.YAMLError, ValueError, TypeError):
        return "unreadable"
    return "ok" if validator.is_valid(document) else "refused"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for text in json.load(sys.stdin):
        print(verdict(text, validator))


main()
