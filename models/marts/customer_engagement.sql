with

households as (

    select customer_id from {{ ref('int_households_resolved') }}

),

contacts as (

    select * from {{ ref('int_contacts_resolved') }}
    where contact_date <= {{ business_date() }}

),

redemptions as (

    select * from {{ ref('int_redemptions_resolved') }}

),

delivered as (

    -- Zero where a source has reported and has nothing for the customer; null where it never has.
    select
        max(case when table_name = 'campaign_mailings' and was_ever_delivered then 0 end)
            as no_mailings,
        max(
            case
                when table_name in ('campaign_mailings', 'dispatches') and was_ever_delivered then 0
            end
        ) as no_contacts,
        max(case when table_name = 'coupon_redemptions' and was_ever_delivered then 0 end)
            as no_redemptions
    from {{ ref('stg_pinned_batches') }}

),

pressure as (

    select
        customer_id,
        max(case when channel = 'direct_mail' and not is_control then contact_date end)
            as last_direct_mail_date,
        max(case when not is_control then contact_date end) as last_contact_date,
        count_if(not is_control and {{ within('contact_date', 7) }}) as campaigns_received_7d,
        count_if(not is_control and {{ within('contact_date', 30) }}) as campaigns_received_30d,
        count_if(is_control and {{ within('contact_date', 30) }}) as controls_30d,
        count_if(contact_source = 'client') as mailings_received_lifetime
    from contacts
    group by customer_id

),

coupons as (

    select
        customer_id,
        max(redemption_date) as last_coupon_redeemed_date,
        sum(redemption_count) as coupons_redeemed_lifetime,
        sum(case when {{ within('redemption_date', 90) }} then redemption_count else 0 end)
            as coupons_redeemed_90d
    from redemptions
    group by customer_id

),

redeemed as (

    select distinct customer_id, cast(client_campaign_id as varchar) as campaign_id
    from redemptions

),

answered as (

    -- Mailings of which at least one coupon came back.
    select contacts.customer_id, count(*) as mailings_answered
    from contacts
    inner join redeemed using (customer_id, campaign_id)
    where contacts.contact_source = 'client'
    group by contacts.customer_id

),

final as (

    select
        -- key
        households.customer_id,

        -- contact pressure
        pressure.last_direct_mail_date,
        pressure.last_contact_date,
        cast(coalesce(pressure.campaigns_received_7d, delivered.no_contacts) as integer)
            as campaigns_received_7d,
        cast(coalesce(pressure.campaigns_received_30d, delivered.no_contacts) as integer)
            as campaigns_received_30d,
        coalesce(pressure.controls_30d > 0, false) as in_control_group_30d,

        -- response
        case
            when delivered.no_mailings = 0
                then cast(coalesce(pressure.mailings_received_lifetime, 0) as integer)
        end as mailings_received_lifetime,
        {{ ratio(
            'coalesce(answered.mailings_answered, 0)', 'pressure.mailings_received_lifetime'
        ) }} as mailing_response_rate,
        coupons.last_coupon_redeemed_date,
        cast(coalesce(coupons.coupons_redeemed_lifetime, delivered.no_redemptions) as integer)
            as coupons_redeemed_lifetime,
        cast(coalesce(coupons.coupons_redeemed_90d, delivered.no_redemptions) as integer)
            as coupons_redeemed_90d

    from households
    left join pressure using (customer_id)
    left join coupons using (customer_id)
    left join answered using (customer_id)
    cross join delivered
    order by customer_id

)

select * from final
