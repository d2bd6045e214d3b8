# A thin face on meson and ninja; `make help` lists what there is.
.DEFAULT_GOAL := all
BUILD ?= build
PREFIX ?= $(if $(filter 0,$(shell id -u)),/usr/local,$(HOME)/.local)

$(BUILD)/build.ninja:
	meson setup $(BUILD) --prefix=$(PREFIX)

all: $(BUILD)/build.ninja ## build/cloche, ready to run
	ninja -C $(BUILD)

.PHONY: all
