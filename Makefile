# Real pictures, which PLATE_OCR_DATA names (data/README.md), train the shipped models.
CHARACTERS = $(PLATE_OCR_DATA)/chars/easypr $(PLATE_OCR_DATA)/chars/zhengpeng
# Both sets name the plate in the file name: 00979-100-2.jpg, 00000-1_122120312_闽AB1660.jpg
GROUP = ^\d+-(?:\d+_(.+)|(\d+)-\d+)\.\w+$$
TRAIN = plate-ocr train $(CHARACTERS) --fonts $(PLATE_OCR_DATA)/fonts --group '$(GROUP)' --device cpu

.PHONY: lint quick check coverage clients golden formats models benchmarks soak docs docs-long check-image

lint:
	ruff check
	ruff format --check
	lint-imports
	mypy

# While working: without the tests that start processes, train or need real pictures.
quick: lint
	pytest -n auto --dist worksteal -m 'not slow and not data and not long'

check: lint
	pytest -n auto --dist worksteal

# The same tests, and how much of the code they run: a third slower.
coverage:
	pytest -n auto --dist worksteal --cov --cov-fail-under=90 --cov-report=term:skip-covered

# Clients of other plate readers, in environments of their own, against the server; PLATE_OCR_TEST_MQTT names a broker.
clients: .venv-clients .venv-home-assistant
	PLATE_OCR_CLIENTS=$(CURDIR)/.venv-clients PLATE_OCR_HOME_ASSISTANT=$(CURDIR)/.venv-home-assistant \
	pytest tests/server/test_clients.py

.venv-clients: tests/server/clients.txt
	python3 -m venv --clear $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	$@/bin/python -m pip install --quiet --disable-pip-version-check --ignore-requires-python --no-deps anpr2mqtt==1.1.5
	npm install --prefix $@ --ignore-scripts --no-audit --no-fund --no-save node-red-contrib-plate-recognizer@1.0.3

# It needs Python 3.11 or 3.12.
.venv-home-assistant:
	python3 -m venv --clear $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check homeassistant==2024.3.3 'josepy<2' paho-mqtt==1.6.1

docs:
	mkdocs build

# The commands of the documentation that take minutes to hours; some need real pictures, installing needs a network.
docs-long:
	pytest -m long tests/app/test_docs.py

golden:
	python -m tests.golden

# After a change of formats in plate_ocr/region_files/regions.
formats:
	python -m data.formats

models: models/digits.onnx models/chars.onnx

# From the weights that are there, if any: `make -B models/plates.onnx FROM=` starts from nothing.
FROM = $(if $(wildcard models/plates.safetensors),--weights models/plates.safetensors)
FROM_detector = $(if $(wildcard models/detector.safetensors),--weights models/detector.safetensors)

models/plates.onnx:
	mkdir -p models
	test -e runs/plates/last.ckpt && plate-ocr train --resume runs/plates || \
	plate-ocr train --model plates -o runs/plates $(FROM) $(SETTINGS_plates)
	$(call publish,plates)
	plate-ocr quantize runs/plates -o models/plates.onnx

models/detector.onnx:
	mkdir -p models
	test -e runs/detector/last.ckpt && plate-ocr train --resume runs/detector || \
	plate-ocr train --model detector -o runs/detector $(FROM_detector)
	$(call publish,detector)

models/%.onnx:
	mkdir -p models
	rm -rf runs/$*
	$(TRAIN) --model $* -o runs/$* $(SETTINGS_$*)
	$(call publish,$*)

define publish
	cp runs/$(1)/model.safetensors models/$(1).safetensors
	sed 's/(curves.png)/($(1).png)/' runs/$(1)/card.md > models/$(1).md
	cp runs/$(1)/curves.png models/$(1).png
	cp runs/$(1)/model.onnx models/$(1).onnx
endef

SETTINGS_digits = --seed 1 --epochs 60 --samples-per-epoch 32768 --patience 60
SETTINGS_chars = --seed 1 --epochs 100 --samples-per-epoch 262144 --repeats 8 --batch-size 512 --lr 0.002 --patience 100
SETTINGS_plates = --epochs 90 --samples-per-epoch 16384

benchmarks:
	python -m benchmarks.characters
	python -m benchmarks.plates
	python -m benchmarks.photos
	python -m benchmarks.large
	python -m benchmarks.notplates
	python -m benchmarks.video
	python -m benchmarks.video --gate
	python -m benchmarks.batches
	python -m benchmarks.speed
	python -m benchmarks.sightings

# Long runs.
soak:
	pytest -m long --ignore tests/app/test_docs.py
	python -m benchmarks.cameras
	python -m benchmarks.server overload
	python -m benchmarks.events
	python -m benchmarks.kills
	PLATE_OCR_TEST_REQUESTS=10000 pytest tests/server/test_hostile.py tests/server/doors/test_mutations.py
	PLATE_OCR_TEST_EXAMPLES=500 pytest tests/server/test_schema.py
	python -m benchmarks.batch_runs

# Builds the image and reads in it, without an engine: as root, on Debian, with buildah, debootstrap, qemu-user-static.
check-image:
	hadolint Dockerfile
	deploy/check-image.sh
