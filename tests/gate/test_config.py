from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.api_settings import exposure
from gate.config import Settings, load_settings, parts_of, shown
from gate.errors import UsageError
from gate.state_folder import broker_file, centre_file, configuration_file, state_directory
from gate.vision.address import with_password, without_password


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> Path:
        (tmp_path / "f.toml").write_text(text)
        return tmp_path / "f.toml"

    return write


def test_file_then_environment_then_command_line(config, monkeypatch):
    path = config('[api]\nport = 1000\nhost = "0.0.0.0"\n[door]\npulse_s = 1.0\n')
    assert load_settings(path).api.port == 1000
    monkeypatch.setenv("FACEGATE_API__PORT", "2000")
    assert load_settings(path).api.port == 2000
    settings = load_settings(path, api={"port": 3000})
    assert (settings.api.port, settings.api.host, settings.door.pulse_s) == (3000, "0.0.0.0", 1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[door]\npuls_s = 1\n", r"no setting door\.puls_s"),
        ('[camera]\nsorce = "0"\n', r"no setting camera\.sorce"),
        ("[dor]\n", "no setting dor"),
        ("nothing = 1\n", "no setting nothing"),
        ('[api]\nport = "many"\n', r"api\.port .* wrong"),
        ("[api]\nport = 70000\n", r"api\.port .* wrong"),
        ("[door]\nrelay_pin = 27\nrex_pin = 27\n", "same pin"),
        ("[door]\nrelay_pin = 99\n", "between 0 and 27"),
        ("[door]\ngpio_chip = -1\n", "between 0 and 255"),
        ("[door]\nrelay_pin = true\n", r"setting door\.relay_pin .* must be a number, and true and false are none"),
        ("[door]\nfire_pin = false\n", r"setting door\.fire_pin .* leave it out where there is none"),
        ("[camera]\nrotate = false\n", r"setting camera\.rotate .* must be a number"),
        ("[vision.promise]\nyears = true\n", r"setting vision\.promise\.years .* must be a number"),
        ("[keep]\nrecord_days = true\n", r"setting keep\.record_days .* must be a number"),
        ("[door]\npulse_s = 20\nmax_pulse_s = 20\n", "at most 15"),
        ("[door]\npulse_s = 11.8\n", "at most max_pulse_s less 0.5"),
        ("[door]\nmin_interval_s = -1\n", "min_interval_s"),
        ("[door]\nlock = 'bolt'\n", "Input should be 'fail_safe', 'fail_secure'"),
        ("[door]\nlock = 'momentary'\n", "at most 1 second for a momentary operator"),
        ("[door]\nlock = 'hold_open'\n", "needs hold_pin"),
        ("[door]\nlock = 'turnstile'\n", "needs passage_pin"),
        ("[door]\nlock = 'momentary'\npulse_s = 0.5\nfire_pin = 5\n", "needs hold_pin, the relay that keeps it open"),
        ("[door]\nzone = 'Mars/Olympus'\n", "there is no time zone 'Mars/Olympus'"),
        ("[door]\nface_and_pin = 'at night'\n", "'at night' is no window; write it as"),
        ("[door]\nfire_pin = 5\nrex_pin = 5\n", "rex_pin and fire_pin name the same pin"),
        ("[door]\nextended_pulse_s = 14\n", "extended_pulse_s must be at least"),
        ("[door]\npre_alarm_s = 60\n", "pre_alarm_s must be below"),
        ("[door]\nfreshness_s = 60\n", "freshness_s"),
        ('[door]\npin_factory = "pigpio"\n', r"door\.pin_factory"),
        ("[vision]\nframes = 9\n", "patience"),
        ("[vision]\nmin_light = 230\n", "min_light"),
        ("[vision.zone]\nleft = 0.9\nright = 0.1\n", "left < right"),
        ("[vision]\nthreshold = nan\n", r"vision\.threshold"),
        ('[infrared]\nsource = "1"\n[vision]\nliveness = "off"\n', 'set vision.liveness to "standard", or remove it'),
        ('[infrared]\n[vision]\nliveness = "standard"\n', "another camera than camera.source"),
        ('[camera]\nsource = ""\n[infrared]\nsource = "1"\n', "looked through beside a camera"),
        ('[infrared]\nlight = "on"\n', r"no setting infrared\.light"),
        ("[door\n", "not valid TOML"),
        ("gate = “North”\n", 'Line 1 holds the wide sign “; type the plain " there'),
        ("[api]\nport ＝ 8443\n", "Line 2 holds the wide sign ＝; type the plain = there"),
        ("［api］\n", r"Line 1 holds the wide sign ［; type the plain \[ there"),
        ("[api]\nhost = 192.168.1.20\n", "A text stands between plain quotes"),
        ('gate = "North"\ngate = "South"\n', "named further up already"),
        ("[centre]\nenabled = true\n[centre]\nport = 7000\n", "named further up already"),
        ("[door]\npulse_s = 3,5\n", "a number has a point for its decimals"),
        ('gate = "North (East)"\n', "gate .* holds signs that cannot stand there"),
        ('[api]\nhosts = "gate.local"\n', "must be a list"),
        ("[camera]\nsource = 0\n", "must be a text between quotes"),
        ("[api]\ncertificate = 5\n", r"api\.certificate .* must be a path between quotes"),
        ('[api]\nkey = ""\n', r"api\.key .* it is empty; leave the key out"),
        ('[models]\ndir = ""\n', r"models\.dir .* it is empty; leave the key out"),
        ('[home_assistant]\nauthority = ""\n', r"home_assistant\.authority .* it is empty; leave the key out"),
        ("[vision]\npromise = 2\n", "it is a section, with settings of its own"),
        ("door = 5\n", "door .* it is a section, with settings of its own"),
        ("[[readers]]\n", "readers .* it is a section, with settings of its own"),
        ("\udcff", "not UTF-8 .* Save it as UTF-8"),
        ('\ufeffgate = "North"\n', "save it as UTF-8 without BOM"),
        ("[centre]\nenabled = true\nport = 7423\n", "three ports; give each its own number"),
        ("[centre]\nenabled = true\nport = 8443\n", "three ports; give each its own number"),
        ('[centre]\nlisten = "10.0.0"\n', r"centre\.listen .* one address of this machine"),
    ],
)
def test_what_is_unknown_or_wrong_is_one_sentence(tmp_path, monkeypatch, text, words):
    # What the environment says counts before what the file does.
    monkeypatch.delenv("FACEGATE_MODELS__DIR", raising=False)
    path = tmp_path / "f.toml"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError, match=words) as error:
        load_settings(path)
    assert str(error.value).count("\n") == 0


def test_an_unknown_environment_key_is_refused(monkeypatch):
    monkeypatch.setenv("FACEGATE_DOOR__PULS_S", "1")
    with pytest.raises(UsageError, match=r"door\.puls_s"):
        load_settings()
    monkeypatch.delenv("FACEGATE_DOOR__PULS_S")
    monkeypatch.setenv("FACEGATE_DOOOR__PULSE_S", "1")
    with pytest.raises(UsageError, match="FACEGATE_DOOOR__PULSE_S"):
        load_settings()


@pytest.mark.parametrize(("name", "value"), [("API__HOSTS", "a.example,b.example"), ("DOOR", "pulse_s=1")])
def test_a_list_in_the_environment_that_is_no_json_is_one_sentence(monkeypatch, name, value):
    monkeypatch.setenv(f"FACEGATE_{name}", value)
    with pytest.raises(UsageError, match="written as JSON there") as error:
        load_settings()
    assert str(error.value).count("\n") == 0


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no configuration file"):
        load_settings(tmp_path / "none.toml")


def test_the_state_given_wins_and_else_it_is_the_users(tmp_path, monkeypatch):
    assert state_directory(tmp_path) == tmp_path
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("gate.state_folder.SERVICE_STATE", tmp_path / "none")
    assert state_directory(None) == tmp_path / "facegate"


def test_a_services_state_is_closed_to_who_may_not_write_it(tmp_path, monkeypatch):
    service = tmp_path / "service"
    service.mkdir()
    monkeypatch.setattr("gate.state_folder.SERVICE_STATE", service)
    assert state_directory(None) == service
    monkeypatch.setattr("gate.state_folder.os.access", lambda *_: False)
    with pytest.raises(UsageError, match="Put sudo before the command"):
        state_directory(None)


def test_a_services_state_has_no_say_in_what_the_services_are_told(tmp_path, monkeypatch):
    file = tmp_path / "facegate.toml"
    file.write_text("")
    monkeypatch.setattr("gate.state_folder.SERVICE_STATE", tmp_path / "service")
    monkeypatch.setattr("gate.state_folder.SERVICE_CONFIG", file)
    assert configuration_file(tmp_path / "service") == file
    assert configuration_file(tmp_path / "mine") is None
    (tmp_path / "service").mkdir()
    own = tmp_path / "service" / "facegate.toml"
    own.write_text("")
    assert configuration_file(tmp_path / "service") == file
    file.unlink()
    assert configuration_file(tmp_path / "service") is None


@pytest.mark.parametrize(
    ("source", "password", "whole"),
    [
        ("rtsp://gate@10.0.0.7/main", "s:e/c@t", "rtsp://gate:s%3Ae%2Fc%40t@10.0.0.7/main"),
        ("rtsp://gate@10.0.0.7/main", None, "rtsp://gate@10.0.0.7/main"),
        ("rtsp://gate:old@10.0.0.7/main", "new", "rtsp://gate:old@10.0.0.7/main"),
        ("rtsp://10.0.0.7/main", "secret", "rtsp://10.0.0.7/main"),
        ("/dev/video0", "secret", "/dev/video0"),
    ],
)
def test_a_cameras_password_is_joined_to_its_address_and_never_shown(source, password, whole):
    assert with_password(source, password) == whole
    for hidden in ("s:e/c@t", "s%3Ae", "old", "secret"):
        assert hidden not in without_password(whole)
    shown_of = shown(
        load_settings(camera={"source": whole}, infrared={"source": f"{whole}/ir"}, vision={"liveness": "standard"})
    )
    assert shown_of["camera"]["source"] == without_password(whole)
    assert shown_of["infrared"]["source"] == without_password(f"{whole}/ir")


def test_two_cameras_that_differ_by_their_login_alone_are_two_for_the_api_too(tmp_path):
    """A recorder may tell its channels apart by user, or hide one behind a word that is never shown."""
    settings = load_settings(
        camera={"source": "rtsp://color:s3cret@10.0.0.7/main"},
        infrared={"source": "rtsp://infrared:s3cret@10.0.0.7/main"},
        vision={"liveness": "standard"},
    )
    told = parts_of(settings, tmp_path, tmp_path / "models", None)["api"]["settings"]
    taken = Settings.model_validate(told)
    assert taken.camera.source == taken.infrared.source == "rtsp://10.0.0.7/main"


@given(
    login=st.text(alphabet="ab1:@/?#%.[]", max_size=8),
    host=st.sampled_from(["10.0.0.7", "camera", "camera.lan:8554", "[fe80::1%eth0]", "[::1]:80"]),
    path=st.text(alphabet="aB1/?=&@:#;[].%", max_size=16) | st.just("/user=u&password=p@q&token=[1]"),
)
def test_every_address_that_is_taken_is_taken_again_as_it_is_shown(login, host, path):
    try:
        settings = load_settings(camera={"source": f"rtsp://{login}@{host}/{path}"})
    except UsageError:
        assume(False)
    assert Settings.model_validate(shown(settings)).model_dump(mode="json") == shown(settings)


def test_the_parts_are_all_that_the_processes_are_told(tmp_path):
    parts = parts_of(load_settings(), tmp_path, tmp_path / "models", None)
    assert {name: set(part) for name, part in parts.items()} == {
        "door": {"state", "door"},
        "vision": {"state", "camera", "infrared", "vision", "models_dir", "pack", "liveness_packs", "api_user"},
        "api": {
            "state",
            "gate",
            "zone",
            "api",
            "webhooks",
            "keep",
            "enrolment",
            "settings",
            "config",
            "models_dir",
            "pack",
        },
        "errand": {"state", "settings"},
    }


def test_a_centre_and_a_gate_that_was_invited_with_one_have_a_broker_and_a_second_centre_has_none(tmp_path):
    def of_many(**centre):
        parts = parts_of(load_settings(centre=centre), tmp_path, tmp_path / "models", None)
        return {"link", "broker", "centre"} & set(parts)

    assert of_many() == set()
    assert of_many(enabled=True) == {"broker", "centre"}
    centre_file(tmp_path).parent.mkdir()
    centre_file(tmp_path).write_text("{}")
    assert of_many(enabled=True) == of_many() == {"link"}
    broker_file(tmp_path).write_text("10.0.0.3:7422")
    assert of_many() == {"link", "broker", "centre"}


def test_without_a_camera_there_is_no_vision_and_the_console_needs_no_pack(tmp_path):
    parts = parts_of(load_settings(camera={"source": " "}), tmp_path, tmp_path / "models", None)
    assert set(parts) == {"door", "api", "errand"}
    assert parts["api"]["pack"] is None


def test_readers_are_a_process_where_there_is_one(tmp_path):
    def parts(**readers):
        return parts_of(load_settings(readers=readers), tmp_path, tmp_path / "models", None)

    assert "readers" not in parts()
    keypad = "/dev/input/by-id/usb-keypad-event-kbd"
    told = {"keypad": keypad, "card_reader": None, "osdp_port": None, "osdp_baud": 9600}
    keys = str(tmp_path / "osdp-keys")
    assert parts(keypad=keypad)["readers"] == {"state": str(tmp_path), "keys": keys, "readers": told}
    assert parts(card_reader=keypad)["readers"]["readers"]["card_reader"] == keypad


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        ({"keypad": "event3"}, "must be a whole path"),
        ({"card_reader": ""}, "must be a whole path"),
        ({"keypad": "/dev/input/by-id/a", "card_reader": "/dev/input/by-id/../by-id/a"}, "name the same device"),
        ({"keypads": "/dev/input/by-id/a"}, "There is no setting readers.keypads"),
    ],
)
def test_readers_that_cannot_be_meant_are_refused_with_a_sentence(readers, said):
    with pytest.raises(UsageError, match=said):
        load_settings(readers=readers)


@pytest.mark.parametrize(
    ("host", "warned"),
    [("127.0.0.1", None), ("::1", None), ("192.168.1.20", None), ("fd00::5", None), ("localhost", None),
     ("0.0.0.0", "every address"), ("::", "every address"), ("8.8.8.8", "whole internet"),
     ("2a00:1450::1", "whole internet")],
)  # fmt: skip
def test_a_console_the_internet_reaches_is_warned_of(host, warned):
    said = exposure(host)
    assert said is None if warned is None else warned in said


@pytest.mark.parametrize(
    ("typed", "taken"),
    [(" 192.168.1.20 ", "192.168.1.20"), ("gate.local", "gate.local"), ("3gate", "3gate"), ("fe80::1%eth0",) * 2,
     ("0.0.0.0", "0.0.0.0")],
)  # fmt: skip
def test_the_console_listens_at_an_address_or_a_name(typed, taken):
    assert load_settings(api={"host": typed}).api.host == taken


@pytest.mark.parametrize(
    "typed",
    ["", "0", "192.168.1", "192.168.1.300", "192.168.1.20:8443", "https://192.168.1.20", "192.168.1.20/24", "0x7f",
     "192,168,1,20", "192。168。1。20", "０.０.０.０", "[::1]", "127.0.0.1，"],
)  # fmt: skip
def test_what_is_one_address_to_nobody_is_refused_and_not_listened_on(typed):
    with pytest.raises(UsageError, match=r"api\.host .* one address, such as 192\.168\.1\.20"):
        load_settings(api={"host": typed})


@pytest.mark.parametrize(
    "typed",
    ["rtsp：//u:hush@10.0.0.7/x", "rtsp:/u:hush@10.0.0.7/x", "rtsp//u:hush@10.0.0.7/x", "u:hush@10.0.0.7:554/x",
     "RTSP:10.0.0.7", "10.0.0.7:554/x", "10.0.0.7", "rtsp:／／u:hush@10.0.0.7", "u:hu/sh@10.0.0.7/?x=http://y",
     '"rtsp://u:hush@10.0.0.7/x"', "rtsp：//u:hush@10.0.0.7/?x=http://y"],
)  # fmt: skip
def test_a_cameras_address_that_is_mistyped_is_no_file_and_its_password_is_not_told(typed):
    with pytest.raises(UsageError, match="begins with rtsp://") as error:
        load_settings(camera={"source": typed})
    assert "hu" not in str(error.value)


@pytest.mark.parametrize("source", ["0", "csi", "/dev/video0", "clip@2x.mp4", "clips/10.0.0.7.mp4", "http/a.mp4"])
def test_what_may_be_a_device_or_a_file_stays_one(source):
    assert load_settings(camera={"source": f" {source}\n"}).camera.source == source


def test_a_folder_where_the_configuration_is_looked_for_is_not_passed_over(tmp_path):
    assert configuration_file(tmp_path) is None
    (tmp_path / "facegate.toml").mkdir()
    with pytest.raises(UsageError, match=r"facegate\.toml is no file\. Put a file there"):
        load_settings(configuration_file(tmp_path))
    (tmp_path / "facegate.toml").rmdir()
    (tmp_path / "facegate.toml").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match="There is no configuration file"):
        load_settings(configuration_file(tmp_path))
