#include "server/admin_body.h"

#include <nlohmann/json.hpp>

#include "server/parameters.h"

namespace eventlens::server {

void read_body(const Request& request, const std::function<void(wire::Fields&)>& read) {
    const nlohmann::json body = json_body(request);
    std::vector<wire::FieldMistake> found;
    wire::Fields fields(body, "body", found);
    read(fields);
    fields.refuse_others();
    Mistakes mistakes;
    for (wire::FieldMistake& mistake : found) mistakes.add(std::move(mistake.where), std::move(mistake.what));
    mistakes.refuse();
}

}  // namespace eventlens::server
