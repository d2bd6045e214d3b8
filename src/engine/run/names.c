#include "engine/run/names.h"

#include "base/cleanup.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

/* clang-format off */
static const char *const adjectives[] = {
	"airy",	    "amber",	"ancient", "bold",    "brassy",	 "bright",   "brisk",  "bronze",  "calm",   "candid",	 "cheerful",
	"chiming",  "clear",	"copper",  "crisp",   "curious", "daring",   "deep",   "distant", "droll",  "eager",	 "early",
	"earnest",  "echoing",	"elegant", "even",    "fabled",	 "fair",     "festive", "fleet",  "fluent", "fond",	 "frank",
	"gallant",  "gentle",	"gilded",  "glassy",  "gleaming", "golden",  "grand",  "happy",	  "hardy",  "hollow",	 "honest",
	"humble",   "hushed",	"idle",	   "jolly",   "keen",	 "kind",     "late",   "light",	  "limpid", "lively",	 "lofty",
	"lucid",    "mellow",	"merry",   "mild",    "modest",	 "musical",  "neat",   "nimble",  "noble",  "open",	 "patient",
	"pealing",  "placid",	"plain",   "polished", "proud",	 "quick",    "quiet",  "radiant", "rapid",  "ready",	 "resonant",
	"ringing",  "round",	"rustic",  "serene",  "sharp",	 "shining",  "silent", "silver",  "simple", "sleepy",	 "smooth",
	"solemn",   "sonorous", "spry",	   "stately", "steady",	 "sunny",    "swift",  "tall",	  "tidy",   "tranquil",	 "trusty",
	"tuneful",  "upright",	"vivid",   "warm",    "wise",	 "witty",
};

static const char *const nouns[] = {
	"alto",	    "anvil",	"arch",	   "bass",    "belfry",	 "bell",     "bellows", "bourdon", "buoy",   "cadence",	 "canon",
	"cantor",   "carillon", "celesta", "chapel",  "chime",	 "choir",    "chord",  "clapper", "clock",  "coda",	 "cornet",
	"crown",    "cupola",	"cymbal",  "dome",    "drone",	 "drum",     "echo",   "fermata", "fiddle", "flute",	 "forge",
	"founder",  "fugue",	"gable",   "glass",   "gong",	 "goblet",   "hammer", "harp",	  "headstock", "horn",	 "hour",
	"jar",	    "jingle",	"kettle",  "knell",   "lantern", "lute",     "lyre",   "mallet",  "marimba", "matins",	 "meter",
	"minaret",  "minute",	"motif",   "noon",    "oboe",	 "octave",   "organ",  "oriole",  "overture", "peal",	 "pendulum",
	"piccolo",  "pitch",	"prelude", "quaver",  "refrain", "reed",     "ringer", "rondo",	  "rope",   "round",	 "sandglass",
	"sexton",   "shrine",	"signal",  "sonata",  "spire",	 "steeple",  "stroke", "tempo",	  "tenor",  "thimble",	 "timbre",
	"toll",	    "tone",	"tongue",  "tower",   "treble",	 "triangle", "trill",  "vault",	  "vesper", "viola",	 "watch",
	"wheel",    "whistle",	"wren",	   "yoke",    "zither",
};

/* clang-format on */

void run_name_generate(int attempt, char dst[static RUN_NAME_MAX])
{
	uint32_t r[3];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		r[0] = r[1] = r[2] = (uint32_t)getpid();
	if (attempt > 2)
		snprintf(dst, RUN_NAME_MAX, "%s_%s%u", adjectives[r[0] % ARRAY_SIZE(adjectives)],
			 nouns[r[1] % ARRAY_SIZE(nouns)], r[2] % 100000);
	else
		snprintf(dst, RUN_NAME_MAX, "%s_%s", adjectives[r[0] % ARRAY_SIZE(adjectives)],
			 nouns[r[1] % ARRAY_SIZE(nouns)]);
}
