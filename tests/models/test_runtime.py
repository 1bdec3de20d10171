import pytest

from models.errors import PackError
from models.pack import open_models
from models.runtime import check_provider


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_is_not_there_stops_the_start_and_nothing_falls_back(models_dir, provider):
    with pytest.raises(PackError, match=f"vision.provider asks for {provider}"):
        open_models(models_dir, "open", provider=provider)


def test_a_session_that_fell_back_is_refused():
    check_provider(["CUDAExecutionProvider", "CPUExecutionProvider"], "cuda")
    for running in (["CPUExecutionProvider"], []):
        with pytest.raises(PackError, match="fell back"):
            check_provider(running, "cuda")
