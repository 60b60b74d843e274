#include "server/metrics.h"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace eventlens::server {

namespace {

const prometheus::Histogram::BucketBoundaries seconds_of_requests{.0005, .001, .0025, .005, .01, .025, .05,
                                                                  .1,    .25,  .5,    1,    2.5, 5,    10};

}  // namespace

struct Metrics::Impl {
    prometheus::Registry registry;
    prometheus::Family<prometheus::Counter>& requests =
        prometheus::BuildCounter()
            .Name("eventlens_requests_total")
            .Help("Requests that were answered, by route, method and status.")
            .Register(registry);
    prometheus::Family<prometheus::Histogram>& latency =
        prometheus::BuildHistogram()
            .Name("eventlens_request_seconds")
            .Help("From the header to the last byte sent, by route.")
            .Register(registry);
    prometheus::Family<prometheus::Counter>& sent = prometheus::BuildCounter()
                                                        .Name("eventlens_sent_bytes_total")
                                                        .Help("Bytes of answers, headers left out.")
                                                        .Register(registry);
    prometheus::Counter& bytes = sent.Add({});
    prometheus::Family<prometheus::Counter>& model_runs = prometheus::BuildCounter()
                                                              .Name("eventlens_model_runs_total")
                                                              .Help("Runs of recognition networks, by model.")
                                                              .Register(registry);
    prometheus::Family<prometheus::Counter>& model_time = prometheus::BuildCounter()
                                                              .Name("eventlens_model_seconds_total")
                                                              .Help("Time that they took, on one core each.")
                                                              .Register(registry);

    // Looking a metric up by its labels costs more than counting: what was looked up once is kept.
    struct OfRoute {
        prometheus::Histogram* latency = nullptr;
        std::map<std::pair<std::string, int>, prometheus::Counter*> requests;
    };
    std::mutex mutex;
    std::map<std::string, OfRoute, std::less<>> routes;
    std::vector<std::pair<prometheus::Gauge*, std::function<double()>>> watched;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::answered(const Request& request, const Reply& reply, std::chrono::microseconds took) {
    const std::string route = request.route.empty() ? "none" : request.route;
    // Any word may stand where a method does: only those that a route has are told apart.
    const std::string method = request.route.empty() ? "none" : request.method;
    prometheus::Histogram* latency = nullptr;
    prometheus::Counter* count = nullptr;
    {
        const std::lock_guard lock(impl_->mutex);
        Impl::OfRoute& known = impl_->routes[route];
        if (!known.latency) known.latency = &impl_->latency.Add({{"route", route}}, seconds_of_requests);
        auto& counter = known.requests[{method, reply.status}];
        if (!counter)
            counter = &impl_->requests.Add(
                {{"route", route}, {"method", method}, {"status", std::to_string(reply.status)}});
        latency = known.latency;
        count = counter;
    }
    count->Increment();
    latency->Observe(static_cast<double>(took.count()) / 1e6);
    impl_->bytes.Increment(static_cast<double>(reply.stream ? reply.stream->length
                                                            : static_cast<std::int64_t>(reply.body.size())));
}

void Metrics::model_ran(const std::string& model, double seconds) {
    impl_->model_runs.Add({{"model", model}}).Increment();
    impl_->model_time.Add({{"model", model}}).Increment(seconds);
}

std::function<void(double)> Metrics::counter(const std::string& name, const std::string& help) {
    prometheus::Counter& counter =
        prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry).Add({});
    return [&counter](double amount) { counter.Increment(amount); };
}

void Metrics::watch(const std::string& name, const std::string& help, std::function<double()> value) {
    prometheus::Gauge& gauge =
        prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry).Add({});
    const std::lock_guard lock(impl_->mutex);
    impl_->watched.emplace_back(&gauge, std::move(value));
}

std::string Metrics::text() {
    std::vector<std::pair<prometheus::Gauge*, std::function<double()>>> watched;
    {
        const std::lock_guard lock(impl_->mutex);
        watched = impl_->watched;
    }
    for (const auto& [gauge, value] : watched) gauge->Set(value());
    return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace eventlens::server
