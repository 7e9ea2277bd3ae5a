# Real pictures for training the shipped models and for the tests marked "data"; both go without.
export PLATE_OCR_DATA ?= $(CURDIR)/../shared/data

CHARACTERS = $(PLATE_OCR_DATA)/chars/easypr $(PLATE_OCR_DATA)/chars/zhengpeng
# Both sets name the plate in the file name: 00979-100-2.jpg, 00000-1_122120312_闽AB1660.jpg
GROUP = ^\d+-(?:\d+_(.+)|(\d+)-\d+)\.\w+$$
TRAIN = plate-ocr train $(CHARACTERS) --fonts $(PLATE_OCR_DATA)/fonts --group '$(GROUP)' --device cpu

.PHONY: check models benchmarks

check:
	ruff check
	ruff format --check
	mypy
	lint-imports
	pytest

models: models/digits.onnx models/chars.onnx

models/%.onnx:
	mkdir -p models
	rm -rf runs/$*
	$(TRAIN) --model $* -o runs/$* $(SETTINGS_$*)
	cp runs/$*/model.safetensors models/$*.safetensors
	cp runs/$*/card.md models/$*.md
	cp runs/$*/model.onnx models/$*.onnx

SETTINGS_digits = --epochs 60 --per-epoch 32768 --patience 60
SETTINGS_chars = --epochs 90 --per-epoch 32768 --patience 90

benchmarks:
	python -m benchmarks.characters
	python -m benchmarks.plates
	python -m benchmarks.batches
	python -m benchmarks.speed
