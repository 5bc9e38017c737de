{{ config(materialized='view') }}

{#
    Sections side by side: writing one wide table would cost more than everything else together,
    reading two sections through this view costs a tenth more than reading the wide table.
    What depends on the date alone is derived here, so that it moves although nothing came.
#}

{% set today = business_date_in('build.business_date') %}

with

identity as (

    select * from {{ ref('customer_identity') }}

),

consents as (

    select * from {{ ref('customer_consents') }}

),

reachability as (

    select * from {{ ref('customer_reachability') }}

),

demographics as (

    select * from {{ ref('customer_demographics') }}

),

loyalty as (

    select * from {{ ref('customer_loyalty') }}

),

purchases as (

    select * from {{ ref('customer_purchases') }}

),

affinity as (

    select * from {{ ref('customer_affinity') }}

),

stores as (

    select * from {{ ref('customer_stores') }}

),

engagement as (

    select * from {{ ref('customer_engagement') }}

),

service as (

    select * from {{ ref('customer_service') }}

),

messages as (

    select * from {{ ref('customer_messages') }}

),

web as (

    select * from {{ ref('customer_web') }}

),

lifecycle as (

    select * from {{ ref('customer_lifecycle') }}

),

predictions as (

    select * from {{ ref('customer_predictions') }}

),

micro_segments as (

    select * from {{ ref('customer_micro_segments') }}

),

price_cuts as (

    select * from {{ ref('price_cut_points') }}

),

data_quality as (

    select * from {{ ref('customer_data_quality') }}

),

build as (

    select * from {{ ref('stg_build') }}

),

provenance as (

    select * from {{ ref('build_provenance') }}

),

final as (

    select
        -- identity and record status
        identity.customer_id,
        identity.scv_customer_id,
        identity.client_customer_id,
        identity.source_record_count,
        identity.household_id,
        identity.first_name,
        identity.last_name,
        identity.email_norm,
        identity.phone_e164,
        identity.is_main_email,
        identity.is_main_phone,
        identity.is_main_address,
        identity.registration_date,
        {{ today }} - identity.registration_date as tenure_days,
        identity.is_test,
        identity.is_blocked,
        identity.is_employee_or_reseller,

        -- consent and reachability
        consents.opt_in_global,
        consents.allow_email,
        consents.allow_sms,
        consents.allow_push,
        consents.allow_direct_mail,
        consents.email_opt_in_ts,
        consents.email_opt_out_ts,
        consents.sms_opt_in_ts,
        consents.consent_capture_source,
        reachability.email_deliverable,
        reachability.sms_deliverable,
        reachability.mail_deliverable,
        reachability.contactable_email,
        reachability.contactable_sms,
        reachability.contactable_direct_mail,
        reachability.contactable_any,
        reachability.suppression_reason,
        provenance.consent_source_as_of,

        -- demographic and place
        demographics.birth_date,
        {{ age_years('demographics.birth_date', today) }} as age_years,
        {{ days_to_birthday(
            'demographics.birth_date', today
        ) }} as days_to_birthday,
        demographics.gender,
        demographics.age_band,
        demographics.income_band,
        demographics.home_ownership,
        demographics.marital_status,
        demographics.household_size,
        demographics.household_composition,
        demographics.kids_count,
        demographics.country_code,
        demographics.region,
        identity.city,
        identity.address_line,
        identity.postal_code,
        demographics.language_code,

        -- loyalty
        loyalty.is_loyalty_member,
        loyalty.loyalty_enrol_date,
        loyalty.loyalty_tier,
        loyalty.loyalty_tier_rank,
        loyalty.tier_expiry_date - {{ today }} as days_to_tier_expiry,
        loyalty.points_balance,
        loyalty.points_expiring_30d,
        loyalty.points_earned_365d,
        loyalty.points_redeemed_365d,
        loyalty.spend_to_next_tier,

        -- purchase: firsts, lasts, lifetime
        purchases.first_order_date,
        purchases.second_order_date,
        purchases.last_order_date,
        purchases.last_order_net,
        purchases.last_order_channel,
        {{ today }} - purchases.last_order_date as days_since_last_order,
        purchases.orders_lifetime,
        purchases.items_lifetime,
        purchases.gross_sales_lifetime,
        purchases.net_sales_lifetime,
        purchases.aov_lifetime,
        purchases.max_order_net_lifetime,
        purchases.avg_days_between_orders,
        purchases.days_first_to_second_order,
        coalesce(
            purchases.orders_lifetime = 1
            and {{ today }} - purchases.first_order_date
            > {{ threshold('one_and_done_days') }},
            false
        ) as is_one_and_done,
        case
            when
                purchases.days_first_to_second_order <= {{ threshold('early_repeat_days') }}
                then true
            when
                {{ today }} - purchases.first_order_date
                > {{ threshold('early_repeat_days') }}
                then false
        end as is_early_repeat_buyer,

        -- purchase: windows
        purchases.orders_7d,
        purchases.orders_30d,
        purchases.orders_90d,
        purchases.orders_365d,
        purchases.orders_730d,
        purchases.net_sales_7d,
        purchases.net_sales_30d,
        purchases.net_sales_90d,
        purchases.net_sales_365d,
        purchases.net_sales_prev_365d,
        purchases.net_sales_yoy_ratio,
        purchases.items_365d,
        purchases.aov_365d,
        purchases.returns_count_365d,
        purchases.return_rate_365d,
        purchases.discount_share_365d,

        -- product affinity
        affinity.top_department_365d,
        affinity.top_category_365d,
        affinity.top_brand_365d,
        affinity.last_category,
        affinity.category_concentration_365d,
        purchases.avg_item_price_365d,
        case
            when purchases.avg_item_price_365d <= price_cuts.cut_low then 'low'
            when purchases.avg_item_price_365d <= price_cuts.cut_mid then 'mid'
            when purchases.avg_item_price_365d > price_cuts.cut_mid then 'high'
        end as price_tier,
        affinity.replenishment_due_date,

        -- channel and store preference
        stores.purchase_channel_pref_365d,
        stores.store_order_share_365d,
        stores.is_omnichannel_365d,
        stores.preferred_store_id_365d,
        stores.home_store_id,
        stores.stores_visited_365d,
        messages.contact_channel_pref,
        messages.best_send_hour_local,

        -- message engagement
        messages.email_sent_30d,
        messages.email_opens_30d,
        messages.email_clicks_30d,
        messages.email_open_rate_90d,
        messages.email_click_rate_90d,
        messages.last_email_sent_date,
        messages.last_email_open_date,
        messages.last_email_click_date,
        messages.email_engagement_status,
        messages.sms_sent_30d,
        engagement.last_direct_mail_date,
        engagement.last_contact_date,
        engagement.campaigns_received_7d,
        engagement.campaigns_received_30d,
        engagement.in_control_group_30d,
        engagement.mailings_received_lifetime,
        engagement.mailing_response_rate,
        engagement.last_coupon_redeemed_date,
        engagement.coupons_redeemed_lifetime,
        engagement.coupons_redeemed_90d,

        -- web and app
        web.web_sessions_30d,
        web.product_views_30d,
        web.carts_abandoned_7d,
        web.last_web_visit_date,
        web.last_viewed_category,
        web.product_views_per_visit_30d,

        -- service
        service.cases_open,
        service.cases_90d,

        -- recency, frequency, monetary
        lifecycle.rfm_recency_score,
        lifecycle.rfm_frequency_score,
        lifecycle.rfm_monetary_score,
        lifecycle.rfm_cell,
        lifecycle.rfm_segment,

        -- lifecycle
        lifecycle.lifecycle_stage,
        lifecycle.lifecycle_stage_since,
        lifecycle.lifecycle_stage_prev,
        {{ today }} - lifecycle.lifecycle_stage_since as days_in_stage,
        {{ ratio(
            today ~ ' - purchases.last_order_date',
            'coalesce(purchases.avg_days_between_orders, provenance.median_days_between_orders)',
            3
        ) }} as churn_factor,
        lifecycle.is_vip,

        -- predictive
        predictions.pred_orders_365d,
        predictions.pred_value_365d,
        predictions.pred_value_percentile,
        predictions.pred_value_percentile_in_stage,
        predictions.pred_value_tier,
        predictions.p_alive,
        predictions.p_churn_60d,
        predictions.p_reactivate_60d,
        predictions.p_first_order_60d,
        predictions.pred_next_order_date,
        predictions.model_version,

        -- micro-segment
        micro_segments.micro_segment_id,
        micro_segments.micro_segment_label,
        micro_segments.micro_segment_prev,
        identity.control_bucket,

        -- row provenance
        build.business_date as profile_as_of_date,
        build.build_id,
        build.code_version,
        provenance.stale_sources,
        provenance.oldest_source_as_of,
        coalesce(data_quality.dq_flags, '') as dq_flags

    from identity
    inner join consents using (customer_id)
    inner join reachability using (customer_id)
    inner join demographics using (customer_id)
    inner join loyalty using (customer_id)
    inner join purchases using (customer_id)
    inner join affinity using (customer_id)
    inner join stores using (customer_id)
    inner join engagement using (customer_id)
    inner join service using (customer_id)
    inner join messages using (customer_id)
    inner join web using (customer_id)
    inner join lifecycle using (customer_id)
    -- ranked by value: that each has one rank is tested, and not to be seen from the SQL
    left join predictions using (customer_id)
    inner join micro_segments using (customer_id)
    -- only those of whom rows are set aside
    left join data_quality using (customer_id)
    left join price_cuts on affinity.top_category_365d = price_cuts.category
    cross join build
    cross join provenance

)

select * from final
