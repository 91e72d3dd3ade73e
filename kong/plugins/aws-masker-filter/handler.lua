-- aws-masker-filter: the half of aws-masker that handles bodies. The plugin aws-masker (Python) decides what is masked;
-- this one applies it, or refuses, and restores answers as they stream, which a plugin server cannot do.

local answer = require("kong.plugins.aws-masker-filter.answer")
local batch = require("kong.plugins.aws-masker-filter.batch")
local bodies = require("kong.plugins.aws-masker-filter.bodies")
local intake = require("kong.plugins.aws-masker-filter.intake")
local record = require("kong.plugins.aws-masker-filter.record")
local request = require("kong.plugins.aws-masker-filter.request")

local kong = kong

-- The plugin server reaches what is in this table.
kong.aws_masker = { take = intake.take }

-- The priority is below that of aws-masker (750), and above that of all plugins that log.
local Filter = { PRIORITY = 740, VERSION = "0.1.0" }


function Filter:access()
  request.access(kong.ctx.plugin)
end


function Filter:header_filter()
  answer.header_filter(kong.ctx.plugin)
end


function Filter:body_filter()
  answer.body_filter(kong.ctx.plugin)
end


function Filter:log()
  local ctx = kong.ctx.plugin
  bodies.log(ctx, record.log(ctx))
  batch.log(ctx)
end


return Filter
