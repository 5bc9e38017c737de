with

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

exclusions as (

    select * from {{ ref('campaign_exclusions') }}

),

first_exclusion as (

    select *
    from exclusions
    qualify row_number() over (partition by campaign_id, customer_id order by rule_order) = 1

),

final as (

    select
        -- keys
        candidates.campaign_id,
        candidates.occurrence_date,
        candidates.customer_id,

        -- descriptive
        candidates.channel,
        case
            when first_exclusion.rule is null then 'chosen'
            when first_exclusion.rule = 'control_group' then 'control'
            else 'excluded'
        end as status,
        first_exclusion.rule,
        coalesce(first_exclusion.reason, candidates.because) as reason

    from candidates
    left join first_exclusion using (campaign_id, customer_id)

)

select * from final
