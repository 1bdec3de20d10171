// What the screen sounds like: a short tune for each kind of answer, told apart by rhythm and by whether it rises.
// Notes as [hertz, seconds], 0 hertz for a pause. It makes no sound while it waits for somebody.
const TUNES = {
  go: [[660, 0.12], [880, 0.12], [1320, 0.25]],
  help: [[780, 0.12], [0, 0.08], [780, 0.12]],
  // Who is asked to turn the head and does not see where to hears it: it rises for their left and falls for their right.
  "help turn_left": [[520, 0.15], [780, 0.3]],
  "help turn_right": [[780, 0.15], [520, 0.3]],
  wait: [[520, 0.3]],
  no: [[330, 0.18], [220, 0.35]],
  locked: [[220, 0.12], [0, 0.06], [220, 0.12], [0, 0.06], [220, 0.12]],
  alarm: [[990, 0.12], [740, 0.12], [990, 0.12], [740, 0.12], [990, 0.12], [740, 0.12]],
  fault: [[440, 0.12], [0, 0.1], [330, 0.12], [0, 0.1], [440, 0.12]],
  fire: [[600, 0.4], [1200, 0.4], [600, 0.4], [1200, 0.4]],
  enrol: [[880, 0.08]],
};
const VOLUME = Number(document.body.dataset.sound);
// Without it the screen is silent, and says everything else.
const speaker = VOLUME > 0 && window.AudioContext ? new AudioContext() : null;

function play(look, symbol) {
  const tune = TUNES[`${look} ${symbol}`] ?? TUNES[look];
  if (!speaker || !tune) return;
  // A browser that lets pages make no sound by themselves would play all of it at the first touch.
  if (speaker.state === "running") sound(speaker, tune, VOLUME);
  else speaker.resume();
}

// On any context, so that it can be listened to without a loudspeaker.
function sound(context, tune, volume) {
  let at = context.currentTime;
  for (const [hertz, seconds] of tune) {
    if (hertz) note(context, hertz, seconds, volume, at);
    at += seconds;
  }
}

function note(context, hertz, seconds, volume, at) {
  const tone = context.createOscillator();
  const gain = context.createGain();
  tone.frequency.value = hertz;
  // Without a click at either end.
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(volume, at + 0.01);
  gain.gain.setValueAtTime(volume, at + seconds - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + seconds);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + seconds);
}
