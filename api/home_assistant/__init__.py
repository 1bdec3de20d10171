"""Home Assistant, told of this gate by MQTT discovery over a broker of the site."""
