#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace eventlens::wire {

// What is wrong with a field, in words for whoever sent it.
struct FieldMistake {
    std::string where;  // "body.clips.max_gap"
    std::string what;
};

// Reads a JSON object field by field. What is absent leaves the target as it is; what has another type, and
// what nobody asked for, is a mistake.
class Fields {
  public:
    // The object and the list must outlive it.
    Fields(const nlohmann::json& object, std::string where, std::vector<FieldMistake>& mistakes);

    bool has(std::string_view name) const;
    void require(std::string_view name);

    void text(std::string_view name, std::string& target);
    void text_or_null(std::string_view name, std::string& target);  // null: empty
    void flag(std::string_view name, bool& target);
    void integer(std::string_view name, std::int64_t& target);
    void number(std::string_view name, double& target);
    void number_or_null(std::string_view name, std::optional<double>& target);
    void texts(std::string_view name, std::vector<std::string>& target);

    // An object within; nothing when it is absent or none.
    std::optional<Fields> object(std::string_view name);

    // To be called last, and of every object within too.
    void refuse_others() const;

  private:
    const nlohmann::json* value_of(std::string_view name);
    void add(std::string_view name, std::string what) const;

    const nlohmann::json* object_;
    std::string where_;
    std::vector<FieldMistake>* mistakes_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace eventlens::wire
