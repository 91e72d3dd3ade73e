-- The filter has no settings of its own: what it does to a request, the plugin aws-masker says.
local typedefs = require("kong.db.schema.typedefs")

return {
  name = "aws-masker-filter",
  fields = {
    { protocols = typedefs.protocols_http },
    {
      config = {
        type = "record",
        description = "Applies what the plugin aws-masker decided, and restores answers. Takes no settings.",
        fields = {},
      },
    },
  },
}
