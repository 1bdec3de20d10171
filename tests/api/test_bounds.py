"""Every text that a client of the API sends is bounded, and half a character is refused and breaks nothing."""

import pytest

METHODS = ("post", "put", "patch")


def fields_of(app):
    """Each text of a body, alone or in a list: method, path, name, and what is said of it."""
    described = app.openapi()

    def solved(schema):
        while "$ref" in schema:
            schema = described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return next((solved(one) for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)

    for path, methods in described["paths"].items():
        for method in set(METHODS) & set(methods):
            for content in methods[method].get("requestBody", {}).get("content", {}).values():
                for name, schema in solved(content["schema"]).get("properties", {}).items():
                    found = solved(schema)
                    one = solved(found["items"]) if found.get("type") == "array" else found
                    if one.get("type") == "string" and "contentMediaType" not in one and one.get("format") != "binary":
                        yield method, path, name, one


def test_every_text_of_a_body_is_bounded(app):
    fields = list(fields_of(app))
    assert len(fields) > 40
    assert [field[:3] for field in fields if not {"maxLength", "enum", "const"} & set(field[-1])] == []


@pytest.mark.parametrize("path", ["residents/together", "photo-links"])
def test_an_id_of_half_a_character_is_said_to_be_none(browser, path):
    asked = b'{"residents": ["\\ud800"]%s}' % (b', "deed": "group"' if "together" in path else b"")
    answer = browser("manager").post(f"/api/v1/{path}", content=asked, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
