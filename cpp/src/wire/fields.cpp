#include "wire/fields.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace eventlens::wire {

using nlohmann::json;

Fields::Fields(const json& object, std::string where, std::vector<FieldMistake>& mistakes)
    : object_(&object), where_(std::move(where)), mistakes_(&mistakes) {}

bool Fields::has(std::string_view name) const {
    return object_->contains(name);
}

void Fields::require(std::string_view name) {
    if (!has(name)) add(name, "Field required");
}

void Fields::text(std::string_view name, std::string& target) {
    const json* value = value_of(name);
    if (!value) return;
    if (!value->is_string()) return add(name, "Input should be a valid string");
    target = value->get<std::string>();
}

void Fields::text_or_null(std::string_view name, std::string& target) {
    const json* value = value_of(name);
    if (value && value->is_null()) {
        target.clear();
    } else {
        text(name, target);
    }
}

void Fields::flag(std::string_view name, bool& target) {
    const json* value = value_of(name);
    if (!value) return;
    if (!value->is_boolean()) return add(name, "Input should be a valid boolean");
    target = value->get<bool>();
}

void Fields::integer(std::string_view name, std::int64_t& target) {
    const json* value = value_of(name);
    if (!value) return;
    // 3.0 is an integer, too (JSON Schema 2020-12, 6.1.1); beyond 2^53 it may stand for several.
    constexpr double exact = 9007199254740992;
    const bool whole = value->is_number_float() && std::trunc(value->get<double>()) == value->get<double>() &&
                       std::abs(value->get<double>()) <= exact;
    const bool too_large =
        value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{INT64_MAX};
    if (!(value->is_number_integer() || whole) || too_large)
        return add(name, "Input should be a valid integer");
    target = value->get<std::int64_t>();
}

void Fields::number(std::string_view name, double& target) {
    const json* value = value_of(name);
    if (!value) return;
    if (!value->is_number()) return add(name, "Input should be a valid number");
    target = value->get<double>();
}

void Fields::number_or_null(std::string_view name, std::optional<double>& target) {
    const json* value = value_of(name);
    if (!value) return;
    if (value->is_null()) {
        target.reset();
        return;
    }
    double number_given = 0;
    number(name, number_given);
    if (value->is_number()) target = number_given;
}

void Fields::texts(std::string_view name, std::vector<std::string>& target) {
    const json* value = value_of(name);
    if (!value) return;
    if (!value->is_array()) return add(name, "Input should be a valid list");
    std::vector<std::string> texts;
    for (const json& item : *value) {
        if (!item.is_string()) return add(name, "Input should be a list of strings");
        texts.push_back(item.get<std::string>());
    }
    target = std::move(texts);
}

std::optional<Fields> Fields::object(std::string_view name) {
    const json* value = value_of(name);
    if (!value) return std::nullopt;
    if (!value->is_object()) {
        add(name, "Input should be an object");
        return std::nullopt;
    }
    return Fields(*value, where_ + "." + std::string(name), *mistakes_);
}

void Fields::refuse_others() const {
    for (const auto& [name, value] : object_->items()) {
        if (!known_.contains(name)) add(name, "Extra inputs are not permitted");
    }
}

const json* Fields::value_of(std::string_view name) {
    known_.emplace(name);
    const auto found = object_->find(name);
    return found == object_->end() ? nullptr : &*found;
}

void Fields::add(std::string_view name, std::string what) const {
    mistakes_->push_back({where_ + "." + std::string(name), std::move(what)});
}

}  // namespace eventlens::wire
