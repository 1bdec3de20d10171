"""What the API says of itself is so: whatever it refers to is there, and a refusal is what it is said to be."""

import json
import re

from pydantic import TypeAdapter

from api.problems import Problem


def test_whatever_the_description_refers_to_is_in_it(app):
    described = app.openapi()
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert {"Problem", "LooksLike", "Pass"} <= named
    assert named - set(described["components"]["schemas"]) == set()


def test_a_refusal_is_of_the_kind_and_form_that_is_described(app, browser):
    refused = browser("manager").get("/api/v1/passes/none")
    (kind,) = app.openapi()["paths"]["/api/v1/passes/{visit}"]["get"]["responses"]["404"]["content"].items()
    assert kind == (refused.headers["content-type"], {"schema": {"$ref": "#/components/schemas/Problem"}})
    assert TypeAdapter(Problem).validate_python(refused.json()).status == 404
    assert set(refused.json()) <= set(app.openapi()["components"]["schemas"]["Problem"]["properties"])
