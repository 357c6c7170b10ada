# Targets for Kubernetes, included by the Makefile. docs/kubernetes.md explains them.
# More options for the smoke test: make smoke SMOKE=--help. It also reads SMOKE_TRACING, SMOKE_POSTGRESQL, SMOKE_AUTH, SMOKE_FIXTURES, SMOKE_BUILT, IMAGE_BUILD, IMAGE_LOAD, IMAGE_PULL, TAG.
KIND_CLUSTER ?= waybill
NAMESPACE ?= waybill
TAG ?= dev
IMAGE_BUILD ?= docker build
IMAGE_LOAD ?= kind load docker-image --name $(KIND_CLUSTER)
TRACING ?= jaeger
SMOKE ?=
# the checkout's environment where it is set up, else a small one: these targets need no Kafka and no Jaeger
KUBE_PYTHON := $(if $(wildcard .venv/waybill-setup),.venv/bin/python,.run/kubernetes/bin/python)
KUBE := PYTHONPATH=services/common/src:services/client/src:. $(KUBE_PYTHON)
export KIND_CLUSTER IMAGE_BUILD IMAGE_LOAD

.PHONY: kind-up kind-down images deploy undeploy smoke smoke-here jaeger chart-test chart-examples
.PHONY: release-version release-images release-values

##@ Kubernetes
kind-up: ## a kind cluster with the operators, for `make deploy` and `skaffold dev`
	kind create cluster --name $(KIND_CLUSTER) --config k8s/kind.yaml --wait 120s
	kubectl apply -f k8s/namespaces.yaml
	$(MAKE) platform

kind-down: ## delete the kind cluster
	kind delete cluster --name $(KIND_CLUSTER)

.PHONY: platform
platform: ## the operators, in the current context's cluster
	helm -n waybill-platform dependency update charts/waybill-platform
	helm -n waybill-platform upgrade --install waybill-platform charts/waybill-platform --wait --timeout 10m \
	  --set jaeger-operator.enabled=$(if $(filter jaeger-operator,$(TRACING)),true,false) \
	  --set opentelemetry-operator.enabled=$(if $(filter otel-operator,$(TRACING)),true,false)

images: ## build the two images, producer-api:TAG and report-worker:TAG
	$(IMAGE_BUILD) --tag producer-api:$(TAG) --file services/producer-api/Dockerfile .
	$(IMAGE_BUILD) --tag report-worker:$(TAG) --file services/report-worker/Dockerfile .

deploy: images ## build, load and install into NAMESPACE of the current context
	$(IMAGE_LOAD) producer-api:$(TAG) report-worker:$(TAG)
	helm -n $(NAMESPACE) upgrade --install waybill charts/waybill --create-namespace \
	  --set producerApi.image.tag=$(TAG) --set reportWorker.image.tag=$(TAG) --set tracing.backend=$(TRACING) $(HELM_ARGS)

undeploy: ## uninstall the application
	helm -n $(NAMESPACE) uninstall waybill --wait

jaeger: ## port-forward to Jaeger: http://127.0.0.1:16686
	kubectl -n $(NAMESPACE) port-forward svc/waybill-jaeger-query 16686

smoke: $(KUBE_PYTHON) ## the smoke test on the current context's cluster
	@$(KUBE) -m k8s.smoke $(SMOKE)

smoke-here: $(KUBE_PYTHON) ## the smoke test on a machine whose cluster comes from a folder: WAYBILL_CLUSTER names it
	@$(KUBE) -m k8s.smoke.here $(SMOKE)

chart-test: $(KUBE_PYTHON) ## lint, rendered examples, policies, and a real API server
	@$(KUBE) -m pytest tests/chart

chart-examples: $(KUBE_PYTHON) ## renew charts/waybill/examples and the chart's copy of the collector's files
	@$(KUBE) -m k8s.render

# For the release workflow: k8s/release.py has what each prints.
release-version: $(KUBE_PYTHON)
	@$(KUBE) -m k8s.release version "$(TAG)"

release-images: $(KUBE_PYTHON)
	@$(KUBE) -m k8s.release images

release-values: $(KUBE_PYTHON)
	@$(KUBE) -m k8s.release values "$(REGISTRY)" "$(VERSION)" "$(DIGESTS)"

.run/kubernetes/bin/python: tests/requirements.txt
	$(PYTHON) -m venv .run/kubernetes
	.run/kubernetes/bin/pip install --quiet --no-deps --require-hashes --requirement tests/requirements.txt
